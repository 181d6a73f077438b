//! The real program as a process of its own, which can be killed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tokio::process::Child;

use super::app::PASSWORD;
use super::browser::Browser;

/// The settings of one or more processes, by the names of the environment.
#[derive(Clone)]
pub struct Settings(Vec<(String, String)>);

impl Settings {
    /// A shop in this folder, on this port, with this database; no demo.
    pub fn new(folder: &Path, port: u16, database: &str) -> Settings {
        Settings(vec![])
            .with("CUEHOUSE_DATA_DIR", &folder.display().to_string())
            .with("CUEHOUSE_DATABASE_URL", database)
            .with("CUEHOUSE_PORT", &port.to_string())
            .with("CUEHOUSE_DEMO", "off")
            .with("CUEHOUSE_LIMITS_SIGN_IN_ATTEMPTS", "100")
    }

    pub fn with(mut self, name: &str, value: &str) -> Settings {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    fn of(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn folder(&self) -> PathBuf {
        self.of("CUEHOUSE_DATA_DIR").into()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.of("CUEHOUSE_PORT"))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cuehouse"));
        let foreign = |name: &str| name.starts_with("CUEHOUSE_") || name.starts_with("AWS_");
        for (name, _) in std::env::vars().filter(|(name, _)| foreign(name)) {
            command.env_remove(name);
        }
        command.args(words).envs(self.0.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, words: &[&str], stdin: &str) -> Output {
        let mut command = self.command(words);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Makes an account with the tests' password.
    pub fn adds(&self, email: &str, name: &str, roles: &[&str]) {
        let mut words = vec!["user", "add", email, "--name", name, "--password-stdin"];
        roles.iter().for_each(|role| words.extend(["--role", role]));
        let said = self.run(&words, &format!("{PASSWORD}\n"));
        assert!(said.status.success(), "{said:?}");
    }

    /// Starts `serve` or `work`; what it logs goes to a file beside the shop.
    pub fn start(&self, word: &str) -> Process {
        let log = std::fs::File::options().append(true).create(true).open(self.log()).unwrap();
        let mut command = tokio::process::Command::from(self.command(&[word]));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
        Process { child: command.spawn().unwrap(), url: self.url(), log: self.log() }
    }

    /// The letters it put into its folder, as they lie there.
    pub fn letters(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder().join("mail")).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
    }

    fn log(&self) -> PathBuf {
        self.folder().join("process.log")
    }
}

/// A running process.
pub struct Process {
    child: Child,
    url: String,
    log: PathBuf,
}

impl Process {
    /// Returns when it answers.
    pub async fn is_up(&mut self) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while http.get(format!("{}/healthz", self.url)).send().await.is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < until,
                "it does not come up: {ended:?}\n{}",
                self.said()
            );
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    /// Kills it as a power cut would.
    pub async fn dies(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub async fn ends(mut self) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let ended = tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await;
        assert!(ended.is_ok_and(|ended| ended.unwrap().success()), "{}", self.said());
    }

    /// Every line it logged, without the moment in front, once it has nothing more to say for a while.
    pub async fn lines(&self) -> Vec<String> {
        let (until, mut before) = (Instant::now() + Duration::from_secs(20), None);
        loop {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            if before.as_ref() == Some(&log) {
                let without = |line: &str| line.split_once(' ').map_or("", |(_, rest)| rest).to_owned();
                return log.lines().map(without).collect();
            }
            assert!(Instant::now() < until, "it talks without end: {}", self.said());
            before = Some(log);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// The end of its log.
    pub fn said(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }
}

/// Somebody who signs in at this shop and is patient with it.
pub async fn signs_in(url: &str, email: &str) -> Browser {
    let mut browser = Browser::new(url);
    browser.patient = true;
    loop {
        let seen = browser.says("/sign-in", "/sign-in", &[("email", email), ("password", PASSWORD)]).await;
        match seen.status {
            303 => return browser,
            0 => {}
            _ => panic!("{email} cannot sign in: {}", seen.text()),
        }
    }
}
