//! A person's browser without script: cookies, pages, forms filled in by their names.

use std::collections::BTreeMap;

use cuehouse::ids::UserId;
use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use reqwest::{Method, StatusCode};

/// A browser that follows nothing by itself.
pub struct Browser {
    pub base: String,
    /// Whose it is, where the test made the account.
    pub user: Option<UserId>,
    /// Whether a shop that does not answer is waited for. What was posted when it died may have been heard or not:
    /// the answer is then of status 0.
    pub patient: bool,
    /// Every `Set-Cookie` line it was sent, in order.
    pub told: Vec<String>,
    cookies: BTreeMap<String, String>,
    http: reqwest::Client,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Seen {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Seen {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// Where it leads to.
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
            .unwrap_or_else(|| panic!("no redirect but {}: {}", self.status, self.text()))
    }

    pub fn has(&self, words: &str) -> bool {
        self.text().contains(words)
    }

    /// Checks the status, and shows the page when it is another.
    #[track_caller]
    pub fn is(self, status: u16) -> Seen {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The hidden fields of the form with this action. Panics when the page holds no such form.
    #[track_caller]
    pub fn form(&self, action: &str) -> Vec<(String, String)> {
        let page = self.text();
        let quoted = format!("action=\"{action}\"");
        let form = page
            .split("<form")
            .skip(1)
            .find(|form| form.split('>').next().is_some_and(|tag| unescaped(tag).contains(&quoted)))
            .unwrap_or_else(|| panic!("no form to {action} in:\n{page}"));
        let form = form.split("</form>").next().unwrap_or(form);
        form.split("<input").skip(1).filter_map(hidden).collect()
    }

    /// The first address in the page that begins so.
    pub fn link(&self, begins: &str) -> Option<String> {
        self.links().into_iter().find(|address| address.starts_with(begins))
    }

    /// Every address that the page leads to, in its order.
    pub fn links(&self) -> Vec<String> {
        let page = self.text();
        let quoted = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        quoted.map(unescaped).collect()
    }

    /// The token in the page's head.
    pub fn csrf(&self) -> Option<String> {
        let page = self.text();
        let rest = page.split("name=\"csrf-token\" content=\"").nth(1)?;
        Some(rest.split('"').next()?.to_owned())
    }
}

fn hidden(input: &str) -> Option<(String, String)> {
    let tag = input.split('>').next()?;
    let attribute = |name: &str| {
        let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
        Some(unescaped(rest.split('"').next()?))
    };
    (attribute("type").as_deref() == Some("hidden")).then_some(())?;
    Some((attribute("name")?, attribute("value").unwrap_or_default()))
}

/// Text as a browser reads it in a page.
pub fn unescaped(text: &str) -> String {
    text.replace("&#x2F;", "/")
        .replace("&#x27;", "'")
        .replace("&#39;", "'")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

impl Browser {
    pub fn new(base: &str) -> Browser {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Browser {
            base: base.to_owned(),
            user: None,
            patient: false,
            told: vec![],
            cookies: BTreeMap::new(),
            http,
        }
    }

    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub fn cookies(&self) -> &BTreeMap<String, String> {
        &self.cookies
    }

    /// The same browser again, as a second window would be.
    pub fn window(&self) -> Browser {
        Browser {
            base: self.base.clone(),
            user: self.user.clone(),
            patient: self.patient,
            told: vec![],
            cookies: self.cookies.clone(),
            http: self.http.clone(),
        }
    }

    pub async fn get(&mut self, path: &str) -> Seen {
        self.ask(Method::GET, path, &[], None).await
    }

    pub async fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Seen {
        self.ask(Method::GET, path, headers, None).await
    }

    pub async fn head(&mut self, path: &str) -> Seen {
        self.ask(Method::HEAD, path, &[], None).await
    }

    /// Follows redirects within the site to a page.
    pub async fn open(&mut self, path: &str) -> Seen {
        let mut seen = self.get(path).await;
        for _ in 0..5 {
            if !(300..400).contains(&seen.status) {
                break;
            }
            let to = seen.location().to_owned();
            seen = self.get(&to).await;
        }
        seen
    }

    /// Looks at a page until it says these words: the search follows the shop within a moment.
    pub async fn waits_for(&mut self, path: &str, words: &str) -> Seen {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let seen = self.get(path).await.is(200);
            if seen.has(words) {
                return seen;
            }
            assert!(std::time::Instant::now() < until, "{path} never says {words:?}: {}", seen.text());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Opens a page, fills in its form with this action and sends it.
    pub async fn send(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> Seen {
        let seen = self.open(page).await;
        let mut all = seen.form(action);
        all.retain(|(name, _)| fields.iter().all(|(n, _)| n != name));
        all.extend(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        self.post_pairs(action, &all).await
    }

    /// Posts fields with the token of a page, whether or not the page holds such a form.
    pub async fn says(&mut self, page: &str, path: &str, fields: &[(&str, &str)]) -> Seen {
        let seen = self.open(page).await;
        let token = seen.csrf().unwrap_or_else(|| panic!("no token in {page}: {}", seen.text()));
        let mut all = vec![("csrf", token.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await
    }

    /// Posts fields as they are, without a page and without a token.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let all: Vec<(String, String)> =
            fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        self.post_pairs(path, &all).await
    }

    async fn post_pairs(&mut self, path: &str, fields: &[(String, String)]) -> Seen {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post_raw(path, "application/x-www-form-urlencoded", body.into_bytes(), &[]).await
    }

    pub async fn post_raw(
        &mut self,
        path: &str,
        kind: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Seen {
        let mut all = vec![(CONTENT_TYPE.as_str(), kind)];
        all.extend_from_slice(headers);
        self.ask(Method::POST, path, &all, Some(body)).await
    }

    /// Uploads a file through the form of a page: its hidden fields first, then the file.
    pub async fn upload(&mut self, page: &str, action: &str, filename: &str, bytes: &[u8]) -> Seen {
        let seen = self.open(page).await;
        let boundary = "----cuehouse-test-boundary";
        let mut body = vec![];
        for (name, value) in seen.form(action) {
            let part =
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{filename}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        self.post_raw(action, &format!("multipart/form-data; boundary={boundary}"), body, &[]).await
    }

    /// One request, absolute addresses too (the pretend Stripe's pages).
    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Seen {
        if !self.patient {
            return self.try_ask(method, path, headers, body).await.unwrap();
        }
        loop {
            match self.try_ask(method.clone(), path, headers, body.clone()).await {
                // While it shuts down or begins, a shop says "in a moment".
                Ok(seen) if method == Method::GET && seen.status == 503 => {}
                Ok(seen) => return seen,
                Err(_) if method == Method::GET => {}
                Err(_) => return Seen { status: 0, headers: HeaderMap::new(), bytes: vec![] },
            }
            tokio::time::sleep(std::time::Duration::from_millis(40)).await;
        }
    }

    async fn try_ask(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Seen, reqwest::Error> {
        let is_ours = path.starts_with('/') || path.starts_with(&self.base);
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        let mut request = self.http.request(method, url);
        if is_ours && !self.cookies.is_empty() {
            let line: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            request = request.header(COOKIE, line.join("; "));
        }
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request = request.header(name, HeaderValue::from_str(value).unwrap());
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers): (StatusCode, HeaderMap) = (response.status(), response.headers().clone());
        if is_ours {
            for line in headers.get_all(SET_COOKIE).iter().filter_map(|v| v.to_str().ok()) {
                self.take_cookie(line);
            }
        }
        let bytes = response.bytes().await?.to_vec();
        Ok(Seen { status: status.as_u16(), headers, bytes })
    }

    fn take_cookie(&mut self, line: &str) {
        self.told.push(line.to_owned());
        let pair = line.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else { return };
        if value.is_empty() || line.to_lowercase().contains("max-age=0") {
            self.cookies.remove(name.trim());
        } else {
            self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
}
