//! What a worker gives up before it reads the first byte of a stranger's file.
//!
//! Four layers, each as far as this kernel has it: limits on what it may use up, no way to new rights, no
//! path that can be opened (landlock), and a short list of calls (seccomp). All of it through safe
//! wrappers, by the child itself.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, nice, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use serde::{Deserialize, Serialize};

/// Which layers are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// Memory, CPU time, file size, descriptors and processes are bounded.
    pub limits: bool,
    /// No program started from here can gain rights.
    pub no_new_privileges: bool,
    /// No path can be opened, no network reached: `full`, `partial` or `off`.
    pub landlock: String,
    /// Only the calls on the list are answered.
    pub seccomp: bool,
}

impl Layers {
    /// Whether every layer is in force as far as we ask for it.
    pub fn are_whole(&self) -> bool {
        self.limits && self.no_new_privileges && self.landlock == "full" && self.seccomp
    }
}

/// What a file that took a worker over would try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Escape {
    ReadFile,
    WriteFile,
    WriteMaster,
    Connect,
    StartProgram,
    StartThread,
    SignalParent,
    EatMemory,
}

impl Escape {
    /// Every way out that is tried.
    pub const ALL: [Escape; 8] = [
        Escape::ReadFile,
        Escape::WriteFile,
        Escape::WriteMaster,
        Escape::Connect,
        Escape::StartProgram,
        Escape::StartThread,
        Escape::SignalParent,
        Escape::EatMemory,
    ];

    /// Tries it; an error (or never coming back) is the jail holding.
    pub(super) fn attempt(self) -> std::io::Result<()> {
        match self {
            Escape::ReadFile => std::fs::read("/proc/self/maps").map(|_| ()),
            Escape::WriteFile => std::fs::write(escaped(), b"free"),
            Escape::WriteMaster => rustix::io::write(std::io::stdin(), b"x").map(|_| ()).map_err(Into::into),
            // Port 9 of this machine: that nobody listens there would already be an answer from outside.
            Escape::Connect => match std::net::TcpStream::connect(("127.0.0.1", 9)) {
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Ok(()),
                other => other.map(|_| ()),
            },
            Escape::StartProgram => std::process::Command::new("/bin/true").status().map(|_| ()),
            Escape::StartThread => std::thread::Builder::new().spawn(|| ()).map(|_| ()),
            Escape::SignalParent => {
                let parent = rustix::process::getppid().ok_or(std::io::ErrorKind::NotFound)?;
                rustix::process::test_kill_process(parent).map_err(Into::into)
            }
            Escape::EatMemory => {
                let most = 2 * ADDRESSES as usize;
                let mut hoard: Vec<u8> = Vec::new();
                hoard.try_reserve_exact(most).map_err(|_| std::io::ErrorKind::OutOfMemory)?;
                Ok(())
            }
        }
    }
}

fn escaped() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("cuehouse-escaped-{}", std::process::id()))
}

/// Most memory a worker may address; measured use is under 120 MiB.
const ADDRESSES: u64 = 1 << 30;

/// Closes the jail around this process.
pub(super) fn enter(max_secs: u64, cpu_secs: u64) -> Layers {
    // Being kind is not a layer; failing to be is no harm.
    let _ = nice(10);
    let limits = limit(max_secs, cpu_secs).is_ok();
    let no_new_privileges = rustix::thread::set_no_new_privs(true).is_ok();
    let landlock = no_paths();
    let seccomp = few_calls().is_some();
    Layers { limits, no_new_privileges, landlock: landlock.to_owned(), seccomp }
}

/// The layers that work on this machine, found out in a thread that gives everything up and ends.
pub fn layers() -> Layers {
    let probe = std::thread::Builder::new().name("jail-probe".into()).spawn(|| {
        let no_new_privileges = rustix::thread::set_no_new_privs(true).is_ok();
        let landlock = no_paths();
        // The real list would end the whole process at this thread's end; one that allows all asks the same.
        let seccomp = filter(Vec::new(), SeccompAction::Allow, SeccompAction::Log)
            .is_some_and(|program| seccompiler::apply_filter(&program).is_ok());
        Layers { limits: true, no_new_privileges, landlock: landlock.to_owned(), seccomp }
    });
    probe.ok().and_then(|thread| thread.join().ok()).unwrap_or_default()
}

fn limit(max_secs: u64, cpu_secs: u64) -> rustix::io::Result<()> {
    let set =
        |what, most: u64, hard: u64| setrlimit(what, Rlimit { current: Some(most), maximum: Some(hard) });
    // The spool: two channels of two bytes at 48 kHz.
    let spool = max_secs.saturating_mul(48_000 * 4).saturating_add(64 << 20);
    set(Resource::As, ADDRESSES, ADDRESSES)?;
    // Past the first the kernel says why it ends us, past the second it does not ask.
    set(Resource::Cpu, cpu_secs, cpu_secs + 5)?;
    set(Resource::Fsize, spool, spool)?;
    set(Resource::Core, 0, 0)?;
    set(Resource::Nofile, 16, 16)?;
    set(Resource::Nproc, 0, 0)
}

fn no_paths() -> &'static str {
    let restrict = || {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::from_all(ABI::V5))?
            .scope(Scope::from_all(ABI::V6))?
            .create()?
            .restrict_self()
    };
    match restrict().map(|status| status.ruleset) {
        Ok(RulesetStatus::FullyEnforced) => "full",
        Ok(RulesetStatus::PartiallyEnforced) => "partial",
        Ok(RulesetStatus::NotEnforced) | Err(_) => "off",
    }
}

/// The calls that decoding, analysing and encoding make; found by tracing every format. Opening answers
/// "no" instead of ending the worker, because libraries look for the number of cores and can do without.
fn few_calls() -> Option<()> {
    const CALLS: &[libc::c_long] = &[
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_pread64,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_lseek,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_openat,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_getrandom,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let deny = filter(
        vec![(libc::SYS_openat, Vec::new())],
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EACCES as u32),
    )?;
    let mut rules: Vec<(i64, Vec<SeccompRule>)> = CALLS.iter().map(|call| (*call, Vec::new())).collect();
    // Aborting is sending oneself a signal, and to nobody else.
    let own = u64::from(std::process::id());
    let to_self = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own).ok()?;
    rules.push((libc::SYS_tgkill, vec![SeccompRule::new(vec![to_self]).ok()?]));
    // Asking about a descriptor is harmless; choosing who gets signals of it is not.
    let asks = [libc::F_GETFD, libc::F_GETFL, libc::F_DUPFD_CLOEXEC].map(|ask| {
        SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, ask as u64)
            .and_then(|is| SeccompRule::new(vec![is]))
    });
    rules.push((libc::SYS_fcntl, asks.into_iter().collect::<Result<_, _>>().ok()?));
    let allow = filter(rules, SeccompAction::KillProcess, SeccompAction::Allow)?;
    seccompiler::apply_filter(&deny).ok()?;
    seccompiler::apply_filter(&allow).ok()
}

fn filter(
    rules: Vec<(i64, Vec<SeccompRule>)>,
    other: SeccompAction,
    listed: SeccompAction,
) -> Option<BpfProgram> {
    let arch = std::env::consts::ARCH.try_into().ok()?;
    SeccompFilter::new(rules.into_iter().collect(), other, listed, arch).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the jail is proven with would succeed without it, so that its failing there means something.
    #[test]
    fn outside_the_jail_every_escape_succeeds() {
        for escape in Escape::ALL {
            // The standard input of a test is no master.
            if escape != Escape::WriteMaster {
                let tried = escape.attempt();
                assert!(tried.is_ok(), "{escape:?}: {tried:?}");
            }
        }
        assert!(std::fs::remove_file(escaped()).is_ok());
    }
}
