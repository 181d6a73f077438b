//! The front door.
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("worker") => cuehouse::audio::worker_main(),
        _ => ExitCode::SUCCESS,
    }
}
