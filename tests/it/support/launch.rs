//! Servers of Rocket within a test.

use std::sync::Mutex;

use rocket::fairing::AdHoc;
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
