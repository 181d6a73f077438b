//! What Stripe says when it will not: a status and an error object in Stripe's own shape.

use serde_json::{Map, Value, json};

/// A refusal of one call.
#[derive(Clone, Debug)]
pub struct Fault {
    pub status: u16,
    /// Stripe's `type`, by which its libraries choose the exception.
    pub kind: &'static str,
    pub code: Option<&'static str>,
    pub message: String,
    pub param: Option<String>,
}

impl Fault {
    /// A call that is wrong in itself: 400.
    pub fn invalid(code: Option<&'static str>, message: impl Into<String>, param: &str) -> Fault {
        let param = (!param.is_empty()).then(|| param.to_owned());
        Fault { status: 400, kind: "invalid_request_error", code, message: message.into(), param }
    }

    /// No such object: 404.
    pub fn missing(what: &str, id: &str, param: &str) -> Fault {
        Fault {
            status: 404,
            ..Fault::invalid(Some("resource_missing"), format!("No such {what}: '{id}'"), param)
        }
    }

    /// A parameter that must be there is not: 400.
    pub fn lacks(param: &str) -> Fault {
        Fault::invalid(Some("parameter_missing"), format!("Missing required param: {param}."), param)
    }

    /// A parameter that nobody knows: 400.
    pub fn unknown(param: &str) -> Fault {
        Fault::invalid(Some("parameter_unknown"), format!("Received unknown parameter: {param}"), param)
    }

    /// Nothing answers there: 404.
    pub fn no_such_address(method: &str, path: &str) -> Fault {
        let message = format!(
            "Unrecognized request URL ({method}: {path}). The pretend Stripe knows the calls that the shop makes."
        );
        Fault { status: 404, ..Fault::invalid(None, message, "") }
    }

    /// A call without a key: 401.
    pub fn no_key() -> Fault {
        let message = "You did not provide an API key. You need to provide your API key in the Authorization \
                       header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').";
        Fault { status: 401, ..Fault::invalid(None, message, "") }
    }

    /// The same idempotency key with another wish.
    pub fn reused(key: &str, other_endpoint: Option<&str>) -> Fault {
        let message = match other_endpoint {
            Some(path) => format!(
                "Keys for idempotent requests can only be used for the same endpoint they were first used for \
                 ('{path}'). Try using a key other than '{key}' if you meant to execute a different request."
            ),
            None => format!(
                "Keys for idempotent requests can only be used with the same parameters they were first used \
                 with. Try using a key other than '{key}' if you meant to execute a different request."
            ),
        };
        Fault { kind: "idempotency_error", ..Fault::invalid(None, message, "") }
    }

    /// Stripe itself is in trouble, or pretends to be.
    pub fn trouble(status: u16, message: &str) -> Fault {
        Fault { status, kind: "api_error", ..Fault::invalid(None, message, "") }
    }

    /// The body of the answer.
    pub fn body(&self) -> Value {
        let mut error = Map::new();
        if let Some(code) = self.code {
            error.insert("code".into(), json!(code));
            error.insert(
                "doc_url".into(),
                json!(format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))),
            );
        }
        error.insert("message".into(), json!(self.message));
        if let Some(param) = &self.param {
            error.insert("param".into(), json!(param));
        }
        error.insert("type".into(), json!(self.kind));
        json!({ "error": error })
    }
}

impl From<crate::Error> for Fault {
    fn from(error: crate::Error) -> Fault {
        tracing::error!(%error, "the pretend Stripe");
        Fault::trouble(500, "The pretend Stripe could not write this down.")
    }
}
