//! The binary. Everything is in the library, `door` at its front.

fn main() -> std::process::ExitCode {
    cuehouse::door::open()
}
