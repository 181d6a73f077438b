//! Compresses `static/` while building, and joins the style sheets (`css/*.css`, by name) into `css/cuehouse.css`. What
//! explains the source stays here: browsers are sent no comments.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=static");
    println!("cargo::rerun-if-changed=templates");
    println!("cargo::rerun-if-changed=migrations");
    let out = PathBuf::from(env::var("OUT_DIR").unwrap_or_default()).join("static");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).expect("a folder for the static files");
    let mut files = vec![];
    walk(Path::new("static"), &mut files);
    files.sort();
    let mut sheet = String::new();
    for file in &files {
        let name = file.strip_prefix("static").expect("below static");
        let bytes = fs::read(file).expect("a static file");
        if name.starts_with("css") {
            sheet.push_str(&lean_sheet(&String::from_utf8(bytes).expect("a style sheet is text")));
        } else if name.extension().is_some_and(|end| end == "js") {
            keep(&out, name, lean_script(&String::from_utf8(bytes).expect("a script is text")).as_bytes());
        } else {
            keep(&out, name, &bytes);
        }
    }
    keep(&out, Path::new("css/cuehouse.css"), sheet.as_bytes());
}

/// A style sheet without comments and indents.
fn lean_sheet(text: &str) -> String {
    let mut parts = text.split("/*");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once("*/").expect("a comment that ends").1);
    }
    lines(&plain, |line| !line.is_empty())
}

/// A script without indents and the lines that hold nothing but a comment.
fn lean_script(text: &str) -> String {
    lines(text, |line| !line.is_empty() && !line.starts_with("//"))
}

fn lines(text: &str, stays: impl Fn(&str) -> bool) -> String {
    text.lines().map(str::trim).filter(|&line| stays(line)).flat_map(|line| [line, "\n"]).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

/// The file as it is, and beside it the same with `.gz` where that is smaller.
fn keep(out: &Path, name: &Path, bytes: &[u8]) {
    let path = out.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(&path, bytes).expect("a copy");
    let mut gz = flate2::write::GzEncoder::new(vec![], flate2::Compression::best());
    gz.write_all(bytes).expect("memory");
    let packed = gz.finish().expect("memory");
    if packed.len() + 20 < bytes.len() {
        let mut name = path.into_os_string();
        name.push(".gz");
        fs::write(name, packed).expect("a compressed copy");
    }
}
