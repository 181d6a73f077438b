//! What stands on a printed page, as another reader than ours finds it.

use std::io::Write;
use std::process::{Command, Stdio};

/// The words of a PDF in reading order, one blank between them. Nothing where poppler is not installed.
pub fn words_on(pdf: &[u8]) -> Option<String> {
    assert!(pdf.starts_with(b"%PDF-"), "{}", String::from_utf8_lossy(&pdf[..pdf.len().min(200)]));
    let mut command = Command::new("pdftotext");
    command.args(["-raw", "-enc", "UTF-8", "-", "-"]);
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = started else {
        eprintln!("SKIPPED: no pdftotext here, so the words on paper were not read");
        return None;
    };
    child.stdin.take().unwrap().write_all(pdf).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}
