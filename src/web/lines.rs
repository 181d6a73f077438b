//! What the log says about requests: nothing, unless the operator wants a line for each (`log_requests`).
//!
//! A line names an address by its pattern and never as it was asked: some addresses are secrets (`/reset/<token>`),
//! others say what somebody looked for. Who asked stands in it only where the operator wants that, too (`log_ip`).

use rocket::fairing::{Fairing, Info, Kind};
use rocket::{Request, Response};

use super::Client;
use crate::App;

/// Writes a line for each request once it is answered.
pub struct Lines;

/// The pattern of the address that was asked for, such as `/tracks/<slug>`.
pub fn pattern<'r>(request: &Request<'r>) -> &'r str {
    request.route().map_or("none", |route| route.uri.path())
}

#[rocket::async_trait]
impl Fairing for Lines {
    fn info(&self) -> Info {
        Info { name: "a line for each request", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let Some(app) = request.rocket().state::<App>() else { return };
        if !app.config.log_requests {
            return;
        }
        let (method, status) = (request.method(), response.status().code);
        let from = match app.config.log_ip {
            true => request.guard::<Client>().await.succeeded().map(|client| client.ip.to_string()),
            false => None,
        };
        tracing::info!(%method, route = pattern(request), status, from, "answered");
    }
}
