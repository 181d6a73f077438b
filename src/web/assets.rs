//! Style sheets, scripts and pictures of the pages: compiled in, compressed at build time, under addresses that change
//! with their content.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use rocket::http::{ContentType, Status};
use rocket::response::{self, Responder, Response};
use rocket::{Request, get};

use crate::error::{Error, Result};
use crate::secrets;

static FILES: Dir<'static> = include_dir!("$OUT_DIR/static");

struct Asset {
    bytes: &'static [u8],
    packed: Option<&'static [u8]>,
    version: String,
}

static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let mut all = BTreeMap::new();
    gather(&FILES, &mut all);
    all
});

fn gather(dir: &'static Dir<'static>, all: &mut BTreeMap<String, Asset>) {
    for file in dir.files().filter(|f| f.path().extension().is_none_or(|e| e != "gz")) {
        let name = file.path().to_string_lossy().into_owned();
        let packed = FILES.get_file(format!("{name}.gz")).map(|f| f.contents());
        let version = secrets::sha256(file.contents())[..12].to_owned();
        all.insert(name, Asset { bytes: file.contents(), packed, version });
    }
    for dir in dir.dirs() {
        gather(dir, all);
    }
}

/// The address of a static file, with the version of its content; `None` for one that does not exist.
pub fn address(path: &str) -> Option<String> {
    ASSETS.get(path).map(|asset| format!("/static/{path}?v={}", asset.version))
}

/// The bytes of a static file, for pages that carry them inside.
pub fn bytes(path: &str) -> Option<&'static [u8]> {
    ASSETS.get(path).map(|asset| asset.bytes)
}

/// A static file on its way, gzipped for who takes it so.
pub struct Static {
    path: String,
    asset: &'static Asset,
    versioned: bool,
}

/// A static file. Under its versioned address it may be kept for ever.
#[get("/static/<path..>?<v>")]
pub fn show(path: PathBuf, v: Option<&str>) -> Result<Static> {
    let path = path.to_string_lossy().into_owned();
    let asset = ASSETS.get(&path).ok_or(Error::NotFound)?;
    Ok(Static { path, asset, versioned: v == Some(asset.version.as_str()) })
}

/// Where browsers look for a picture of the site when a page names none: an error, a plain text.
#[get("/favicon.ico")]
pub fn favicon() -> Result<Static> {
    show(PathBuf::from("img/favicon.svg"), None)
}

impl<'r> Responder<'r, 'static> for Static {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let tag = format!("\"{}\"", self.asset.version);
        let mut response = Response::build();
        response.raw_header("ETag", tag.clone()).raw_header("Vary", "Accept-Encoding").raw_header(
            "Cache-Control",
            if self.versioned { "public, max-age=31536000, immutable" } else { "public, max-age=300" },
        );
        if request.headers().get_one("If-None-Match").is_some_and(|known| known.contains(&tag)) {
            return response.status(Status::NotModified).ok();
        }
        let extension = self.path.rsplit('.').next().unwrap_or_default();
        response.header(ContentType::from_extension(extension).unwrap_or(ContentType::Binary));
        let body = match self.asset.packed {
            Some(packed) if super::headers::takes_gzip(request) => {
                response.raw_header("Content-Encoding", "gzip");
                packed
            }
            _ => self.asset.bytes,
        };
        response.sized_body(body.len(), Cursor::new(body)).ok()
    }
}
