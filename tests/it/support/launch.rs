//! Servers of Rocket within a test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use rocket::fairing::AdHoc;
use rocket::figment::Figment;
use rocket::{Build, Rocket, Shutdown};

/// Starts it and waits until it listens; what comes back ends it.
pub async fn launched(rocket: Rocket<Build>) -> Shutdown {
    let (up, is_up) = tokio::sync::oneshot::channel();
    let up = Mutex::new(Some(up));
    let rocket = rocket
        .attach(AdHoc::on_liftoff("up", move |_| {
            let up = up.lock().unwrap().take();
            Box::pin(async move {
                let _ = up.map(|up| up.send(()));
            })
        }))
        .ignite()
        .await
        .unwrap();
    let shutdown = rocket.shutdown();
    tokio::spawn(rocket.launch());
    is_up.await.unwrap();
    shutdown
}

/// The settings of a quiet one on this machine; over https with a certificate that is made in this folder.
pub fn listening(port: u16, tls: Option<&Path>) -> Figment {
    let quiet = rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::default() };
    let figment = Figment::from(quiet)
        .merge(("address", "127.0.0.1"))
        .merge(("port", port))
        .merge(("cli_colors", false))
        .merge(("shutdown.ctrlc", false));
    let Some(folder) = tls else { return figment };
    let (key, cert) = certificate(folder);
    figment.merge(("tls.key", key.display().to_string())).merge(("tls.certs", cert.display().to_string()))
}

/// A key and a certificate, made on the spot and trusted by nobody; the browsers of a test do not ask.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (key, cert) = (folder.join("key.pem"), folder.join("cert.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-subj", "/CN=park", "-addext", "subjectAltName=DNS:park", "-days", "2", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&cert)
        .output()
        .expect("openssl makes a certificate");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (key, cert)
}
