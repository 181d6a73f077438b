//! Letters out: SMTP, a folder of `.eml` files, or memory for tests.
//!
//! What a letter says, and who gets one, is decided upstairs.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::sync::OnceCell;
use url::Url;

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// How long one step of a conversation with a mail server may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A letter in plain words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letter {
    /// An e-mail address.
    pub to: String,
    pub subject: String,
    pub text: String,
    /// The same words as a page; without, the letter is plain text.
    pub html: Option<String>,
    /// The same for every try, so that a letter sent twice is seen as one: `receipt-ord_1@shop.example`.
    pub message_id: String,
    /// Where one press ends letters of this kind (RFC 2369, RFC 8058).
    pub unsubscribe: Option<String>,
}

/// A letter that is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The `Message-ID` it carries, with its angle brackets.
    pub message_id: String,
    /// Where it lies, when it went to a folder.
    pub file: Option<PathBuf>,
}

/// The way letters go out. Cloning shares it.
#[derive(Clone)]
pub struct Mail {
    from: Mailbox,
    way: Way,
}

#[derive(Clone)]
enum Way {
    Smtp(Arc<Smtp>),
    Folder(Arc<Path>),
    Memory(Arc<Mutex<Vec<Letter>>>),
}

/// A mail server. The transport is made at the first letter: made outside the async runtime, its pool would
/// bring the whole process down.
struct Smtp {
    url: String,
    transport: OnceCell<AsyncSmtpTransport<Tokio1Executor>>,
}

/// What is wrong with a setting that names the way letters go out, if anything is: the words behind its name. None of them
/// repeats it, for there may be a password in it.
pub fn fault(setting: &str) -> Option<String> {
    Named::read(setting).err()
}

/// Whether letters can come from this: an address or `Name <address>`.
pub fn is_sender(from: &str) -> bool {
    from.parse::<Mailbox>().is_ok()
}

/// The way a setting names, before anything is opened.
enum Named<'a> {
    Memory,
    Folder(&'a str),
    /// With what we add to its address.
    Server(String),
}

impl Named<'_> {
    fn read(setting: &str) -> Result<Named<'_>, String> {
        match setting.split_once(':') {
            Some(("memory", "")) => Ok(Named::Memory),
            Some(("dir", path)) if !path.is_empty() => Ok(Named::Folder(path)),
            Some(("smtp" | "smtps", _)) => encrypted(setting).map(Named::Server),
            _ => Err("is none of dir:path, smtp://…, smtps://…, memory:".into()),
        }
    }
}

impl Mail {
    /// Makes the way a setting names: `dir:path`, `smtp://…`, `smtps://…` or `memory:`. Letters come from `from`,
    /// an address or `Name <address>`. `Refused` says what is wrong with either.
    pub fn open(setting: &str, from: &str) -> Result<Mail> {
        let from = from.parse().map_err(|_| Error::refused(format!("{from:?} is no sender of letters")))?;
        let named = Named::read(setting).map_err(|why| Error::refused(format!("the mail setting {why}")))?;
        let way = match named {
            Named::Memory => Way::Memory(Arc::default()),
            Named::Folder(path) => {
                std::fs::create_dir_all(path)?;
                Way::Folder(Path::new(path).into())
            }
            Named::Server(url) => Way::Smtp(Arc::new(Smtp { url, transport: OnceCell::new() })),
        };
        Ok(Mail { from, way })
    }

    /// Sends a letter. `Refused`: this letter will never arrive. `Busy`: it may go out later. Anything else is a
    /// fault of ours.
    pub async fn send(&self, letter: &Letter) -> Result<Sent> {
        let message_id = bracketed(&letter.message_id);
        let message = self.written(letter, &message_id)?;
        let file = match &self.way {
            Way::Smtp(smtp) => smtp.send(message).await.map(|()| None)?,
            Way::Folder(folder) => {
                let (folder, to) = (folder.clone(), letter.to.clone());
                let kept = move || keep(&folder, &to, &message.formatted(), Timestamp::now());
                Some(tokio::task::spawn_blocking(kept).await??)
            }
            Way::Memory(letters) => {
                letters
                    .lock()
                    .map_err(|_| Error::internal("a reader of letters panicked"))?
                    .push(letter.clone());
                None
            }
        };
        Ok(Sent { message_id, file })
    }

    /// The letters so far, where they are kept in memory.
    pub fn letters(&self) -> Vec<Letter> {
        match &self.way {
            Way::Memory(letters) => letters.lock().map(|letters| letters.clone()).unwrap_or_default(),
            _ => vec![],
        }
    }

    /// Where letters lie, when they go to a folder.
    pub fn folder(&self) -> Option<&Path> {
        match &self.way {
            Way::Folder(folder) => Some(folder),
            _ => None,
        }
    }

    fn written(&self, letter: &Letter, message_id: &str) -> Result<Message> {
        let to: Address =
            letter.to.parse().map_err(|_| Error::refused("This e-mail address cannot be written to."))?;
        let subject: String = letter.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Automatic answers ("I am on holiday") are not sent to what says it is automatic itself (RFC 3834).
        let automatic =
            HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .message_id(Some(message_id.to_owned()))
            .raw_header(automatic);
        let message = match &letter.unsubscribe {
            None => message,
            Some(address) => message
                .raw_header(HeaderValue::new(
                    HeaderName::new_from_ascii_str("List-Unsubscribe"),
                    format!("<{address}>"),
                ))
                .raw_header(HeaderValue::new(
                    HeaderName::new_from_ascii_str("List-Unsubscribe-Post"),
                    "List-Unsubscribe=One-Click".into(),
                )),
        };
        let written = match &letter.html {
            Some(html) => {
                message.multipart(MultiPart::alternative_plain_html(letter.text.clone(), html.clone()))
            }
            None => message.header(ContentType::TEXT_PLAIN).body(letter.text.clone()),
        };
        written.map_err(Error::internal)
    }
}

impl Smtp {
    async fn send(&self, message: Message) -> Result<()> {
        let made = || async {
            let builder =
                AsyncSmtpTransport::<Tokio1Executor>::from_url(&self.url).map_err(Error::internal)?;
            Ok::<_, Error>(builder.timeout(Some(TIMEOUT)).build())
        };
        let transport = self.transport.get_or_try_init(made).await?;
        let to = message.envelope().to().to_vec();
        transport.send(message).await.map(drop).map_err(|error| trouble(&error, &to))
    }
}

/// The address of a mail server with what we add to it: beyond this machine nothing goes unencrypted unless the
/// setting says `tls=opportunistic`.
fn encrypted(setting: &str) -> Result<String, String> {
    let mut url = Url::parse(setting).map_err(|why| format!("is no address: {why}"))?;
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err("names no server".into());
    };
    let here = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match query.get("tls").map(String::as_str) {
        None if url.scheme() == "smtp" && !here => {
            url.query_pairs_mut().append_pair("tls", "required");
        }
        None | Some("required" | "opportunistic") => {}
        Some(other) => return Err(format!("says tls={other}, which is neither required nor opportunistic")),
    }
    Ok(url.into())
}

/// What an answer of the server means for this letter. A refusal of *us* (no or wrong credentials, RFC 4954) is for
/// the operator to mend, and the letter goes out then. Servers like to name the addressee; a log does not.
#[track_caller]
fn trouble(error: &SmtpError, to: &[Address]) -> Error {
    let said = nameless(&error.to_string(), to);
    let about_us = error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538));
    if error.is_permanent() && !about_us {
        return Error::refused(format!("The mail server refused the letter: {said}"));
    }
    tracing::warn!(error = said, "a letter has to wait");
    Error::Busy(if about_us { 300 } else { 30 })
}

/// What another service said, without any e-mail address in it, nor the part of these that stands before the `@`.
pub fn nameless(words: &str, of: &[Address]) -> String {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let names: Vec<String> = of.iter().map(|address| bare(address.user())).collect();
    let is_name = |word: &str| word.contains('@') || names.contains(&bare(word));
    let kept = words.split_whitespace().map(|word| if is_name(word) { "…" } else { word });
    kept.collect::<Vec<_>>().join(" ")
}

fn bracketed(message_id: &str) -> String {
    let id: String = message_id.chars().filter(|c| c.is_ascii_graphic() && !"<>".contains(*c)).collect();
    format!("<{id}>")
}

/// Writes `<time>-<address>-<n>.eml`, whole or not at all, and never over another letter.
fn keep(folder: &Path, to: &str, letter: &[u8], now: Timestamp) -> Result<PathBuf> {
    let unfinished = folder.join(format!(".{}.unfinished", crate::secrets::token()?));
    let mut how = std::fs::OpenOptions::new();
    let mut file = how.write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let kept = file.write_all(letter).and_then(|()| file.sync_all()).and_then(|()| {
        let safe: String = to.chars().take(100).map(|c| if is_plain(c) { c } else { '_' }).collect();
        let time = now.utc().format("%Y%m%dT%H%M%S%.3fZ");
        let mut n = 1;
        loop {
            let path = folder.join(format!("{time}-{safe}-{n}.eml"));
            // A link, unlike a rename, fails when the name is taken, also by another process.
            match std::fs::hard_link(&unfinished, &path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && n < 10_000 => n += 1,
                Err(error) => return Err(error),
            }
        }
    });
    std::fs::remove_file(&unfinished)?;
    Ok(kept?)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "@._+-".contains(c)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    use super::*;

    const FROM: &str = "Cuehouse <shop@example.com>";

    fn letter() -> Letter {
        Letter {
            to: "ines@example.com".into(),
            subject: "Grüße\r\nBcc: all@example.com".into(),
            text: "http://127.0.0.1:8000/account/confirmation/abc\n".into(),
            html: None,
            message_id: "confirmation-1@cuehouse".into(),
            unsubscribe: None,
        }
    }

    #[test]
    fn a_setting_says_what_is_wrong_with_it() {
        for (setting, from, fine) in [
            ("memory:", FROM, true),
            ("memory:", "nobody", false),
            ("smtp://127.0.0.1:2525", FROM, true),
            ("smtps://user:pass@mail.example.com", FROM, true),
            ("smtp://mail.example.com?tls=perhaps", FROM, false),
            ("smtp:", FROM, false),
            ("dir:", FROM, false),
            ("mail.example.com", FROM, false),
        ] {
            let opened = Mail::open(setting, from);
            assert_eq!(fault(setting).is_none() && is_sender(from), fine, "{setting} {from}");
            assert_eq!(opened.is_ok(), fine, "{setting} {from}");
            assert!(matches!(opened, Ok(_) | Err(Error::Refused(_))));
        }
    }

    #[test]
    fn beyond_this_machine_letters_travel_encrypted() {
        for (setting, url) in [
            ("smtp://127.0.0.1:25", "smtp://127.0.0.1:25"),
            ("smtp://localhost", "smtp://localhost"),
            ("smtp://[::1]:25", "smtp://[::1]:25"),
            ("smtp://u:p@mail.example.com", "smtp://u:p@mail.example.com?tls=required"),
            ("smtp://mail.example.com?tls=opportunistic", "smtp://mail.example.com?tls=opportunistic"),
            ("smtps://mail.example.com", "smtps://mail.example.com"),
        ] {
            assert_eq!(encrypted(setting).unwrap(), url);
        }
    }

    #[tokio::test]
    async fn letters_lie_in_the_folder_whole_and_beside_each_other() {
        let folder = std::env::temp_dir().join(format!("cuehouse-mail-{}", crate::secrets::token().unwrap()));
        let mail = Mail::open(&format!("dir:{}", folder.display()), FROM).unwrap();
        let html = Some("<p>Grüße</p>".to_owned());
        let to = "o'neil/x@example.com";
        let odd = Letter { to: to.into(), html, ..letter() };
        let mut files = vec![];
        for letter in [letter(), letter(), letter(), odd] {
            files.push(mail.send(&letter).await.unwrap().file.unwrap());
        }
        let mut there: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        there.sort();
        let text = std::fs::read_to_string(&files[0]).unwrap();
        for line in [
            "From: Cuehouse <shop@example.com>\r\n",
            "To: ines@example.com\r\n",
            "Message-ID: <confirmation-1@cuehouse>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "/account/confirmation/abc",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(!text.contains("\nBcc:"), "{text}");
        let both = std::fs::read_to_string(&files[3]).unwrap();
        assert!(both.contains("multipart/alternative") && both.contains("text/html"), "{both}");
        assert!(files[3].file_name().unwrap().to_str().unwrap().ends_with("-o_neil_x@example.com-1.eml"));
        files.sort();
        assert_eq!(there, files);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn memory_keeps_letters_and_refuses_what_is_no_address() {
        let mail = Mail::open("memory:", FROM).unwrap();
        assert_eq!(mail.send(&letter()).await.unwrap().message_id, "<confirmation-1@cuehouse>");
        let nobody = Letter { to: "nobody".into(), ..letter() };
        assert!(matches!(mail.send(&nobody).await, Err(Error::Refused(_))));
        assert_eq!(mail.letters(), [letter()]);
    }

    /// A mail server that answers RCPT TO with this line, and says what it was sent.
    async fn server(answer: &'static str) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let (heard, letters) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let heard = heard.clone();
                tokio::spawn(async move {
                    let (read, mut write) = socket.into_split();
                    let mut lines = BufReader::new(read).lines();
                    let mut data: Option<String> = None;
                    write.write_all(b"220 here\r\n").await?;
                    while let Some(line) = lines.next_line().await? {
                        let reply = match (&mut data, line.split([' ', ':']).next().unwrap_or("")) {
                            (Some(text), _) if line == "." => {
                                let _ = heard.send(std::mem::take(text));
                                data = None;
                                "250 kept"
                            }
                            (Some(text), _) => {
                                text.push_str(&line);
                                text.push('\n');
                                continue;
                            }
                            (None, "RCPT") => answer,
                            (None, "DATA") => {
                                data = Some(String::new());
                                "354 go on"
                            }
                            _ => "250 fine",
                        };
                        write.write_all(format!("{reply}\r\n").as_bytes()).await?;
                    }
                    Ok::<_, std::io::Error>(())
                });
            }
        });
        (url, letters)
    }

    #[tokio::test]
    async fn a_mail_server_takes_a_letter_or_says_why_not() {
        let (url, mut letters) = server("250 fine").await;
        let mail = Mail::open(&url, FROM).unwrap();
        mail.send(&letter()).await.unwrap();
        mail.send(&letter()).await.unwrap();
        for _ in 0..2 {
            assert!(letters.recv().await.unwrap().contains("Message-ID: <confirmation-1@cuehouse>"));
        }
        for (answer, never) in [
            ("550 unknown", true),
            ("550 5.1.1 <ines@example.com>: nobody called \"Ines\" here", true),
            ("450 later", false),
            ("530 who are you", false),
        ] {
            let (url, _letters) = server(answer).await;
            let said = Mail::open(&url, FROM).unwrap().send(&letter()).await;
            if let Err(Error::Refused(why)) = &said {
                assert!(why.contains("550") && !why.to_lowercase().contains("ines"), "{why}");
                assert!(!answer.contains("5.1.1") || why.contains("5.1.1 … nobody called … here"), "{why}");
            }
            assert_eq!(matches!(said, Err(Error::Refused(_))), never, "{answer} {said:?}");
            assert_eq!(matches!(said, Err(Error::Busy(_))), !never, "{answer} {said:?}");
        }
        let away = Mail::open("smtp://127.0.0.1:1", FROM).unwrap().send(&letter()).await;
        assert!(matches!(away, Err(Error::Busy(_))), "{away:?}");
    }
}
