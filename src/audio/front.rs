//! The front door: what the first bytes are, before any decoder sees them.
//!
//! Nothing is let through that was not recognised here. What the decoders read is a window upon the file:
//! without the tags before and behind the sound, RF64 shown as RIFF, and lengths that reach beyond the end
//! of the file cut to it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use symphonia::core::io::MediaSource;

use super::Refusal;
use super::front_chunks::{self, get_u32};
use super::front_mp4::{self, Movie};

/// The kinds of file that are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Wav,
    Aiff,
    Flac,
    Caf,
    M4a,
    Ogg,
    Mp3,
}

/// A file that was recognised.
pub struct Opened {
    pub kind: Kind,
    pub file: Shared,
    pub window: Window,
    /// Frames the file itself says it holds, where it says so in a place of its own.
    pub declared: Option<u64>,
    /// Whether the first frame of an MP3 counts those behind it.
    pub counted: bool,
    /// Frames that the encoder put before the sound, and frames of sound, for AAC and ALAC.
    pub movie: Option<Movie>,
    /// Bytes of the whole file.
    pub bytes: u64,
}

/// Recognises `file`, or says what it is instead.
pub fn open(file: File) -> Result<Opened, Refusal> {
    let shared = Shared::new(file);
    let bytes = shared.lock().file.metadata().map_err(Refusal::ours)?.len();
    if bytes == 0 {
        return Err(Refusal::Empty);
    }
    let mut start = 0;
    let mut head = shared.head(start)?;
    // A tag may claim up to 256 MiB and would be read whole; two in a row are seen in the wild.
    for _ in 0..4 {
        let Some(tag) = id3_len(&head) else { break };
        start += tag;
        if start >= bytes {
            return Err(Refusal::Empty);
        }
        head = shared.head(start)?;
    }
    let kind = recognise(&head, start > 0)?;
    let mut end = bytes;
    let (mut declared, mut movie) = (None, None);
    match kind {
        Kind::Wav => {
            let more = |upto: usize| shared.first(start, upto);
            declared = front_chunks::riff(&mut head, end - start, more)?;
        }
        Kind::Aiff => declared = front_chunks::form(&mut head, end - start)?,
        Kind::Caf => {
            let found = front_chunks::caf(&mut head, end - start)?;
            declared = found.declared;
            end = start + found.len;
        }
        Kind::M4a => {
            let found = front_mp4::read(&mut *shared.lock(), start, end)?;
            movie = Some(found);
            front_chunks::boxes(&mut head, end - start);
        }
        Kind::Mp3 => end = shared.without_trailing_tags(start, end)?,
        _ => {}
    }
    let counted = kind == Kind::Mp3 && counts_frames(&head);
    let window = Window { file: shared.clone(), start, len: end - start, pos: 0, head };
    Ok(Opened { kind, file: shared, window, declared, counted, movie, bytes })
}

/// How much of the beginning is looked at.
pub(super) const HEAD: usize = 64 * 1024;

/// Brands of pictures, alone and in series: HEIF, HEIC, AVIF and Canon's raw ones.
const PICTURES: [&[u8]; 13] = [
    b"mif1", b"mif2", b"msf1", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"avif", b"avis",
    b"miaf", b"crx ",
];

/// Says what `head` begins. After a tag, only what tags are put before.
fn recognise(head: &[u8], tagged: bool) -> Result<Kind, Refusal> {
    let form = head.get(8..12).unwrap_or_default();
    match head {
        [b'R', b'I', b'F', b'F', ..] | [b'R', b'F', b'6', b'4', ..] | [b'B', b'W', b'6', b'4', ..] => {
            match form {
                b"WAVE" => return Ok(Kind::Wav),
                b"AVI " => return Err(Refusal::looks_like("a video")),
                b"WEBP" => return Err(Refusal::looks_like("a picture")),
                b"RMID" => return Err(Refusal::looks_like("a MIDI file, which holds notes and no sound")),
                _ => return Err(Refusal::Damaged),
            }
        }
        [b'F', b'O', b'R', b'M', ..] if form == b"AIFF" || form == b"AIFC" => return Ok(Kind::Aiff),
        [b'f', b'L', b'a', b'C', ..] => return Ok(Kind::Flac),
        [b'c', b'a', b'f', b'f', ..] => return Ok(Kind::Caf),
        [b'O', b'g', b'g', b'S', ..] => return ogg(head),
        // The photographs of telephones lie in the same boxes; their brand says so.
        [_, _, _, _, b'f', b't', b'y', b'p', ..] if PICTURES.contains(&form) => {
            return Err(Refusal::looks_like("a picture"));
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => return Ok(Kind::M4a),
        _ => {}
    }
    if let Some(known) = stranger(head) {
        return Err(known);
    }
    if mpeg_frames(head, tagged) {
        return Ok(Kind::Mp3);
    }
    match head {
        [0xff, second, ..] if second & 0xf6 == 0xf0 => Err(Refusal::unsupported(
            "a bare AAC stream (put it into an M4A file, without encoding it again)",
        )),
        [0xff, second, ..] if matches!(second & 0xfe, 0xfc | 0xf4) => {
            Err(Refusal::unsupported("MPEG audio of layer 2 (MP2)"))
        }
        _ if is_text(head) => Err(Refusal::looks_like("a text")),
        _ if tagged => Err(Refusal::Damaged),
        _ => Err(Refusal::looks_like("nothing we know")),
    }
}

/// Ogg carries many codings; the first packet says which.
fn ogg(head: &[u8]) -> Result<Kind, Refusal> {
    let segments = usize::from(*head.get(26).ok_or(Refusal::Damaged)?);
    let packet = head.get(27 + segments..).unwrap_or_default();
    match packet {
        p if p.starts_with(b"\x01vorbis") => Ok(Kind::Ogg),
        p if p.starts_with(b"OpusHead") => Err(Refusal::unsupported("Opus")),
        p if p.starts_with(b"Speex") => Err(Refusal::unsupported("Speex")),
        p if p.starts_with(b"\x7fFLAC") => {
            Err(Refusal::unsupported("FLAC inside Ogg (bare FLAC is welcome)"))
        }
        p if p.starts_with(b"\x80theora") || p.starts_with(b"fishead") => Err(Refusal::looks_like("a video")),
        _ => Err(Refusal::Damaged),
    }
}

/// What is not sound, and sound that is refused by name.
fn stranger(head: &[u8]) -> Option<Refusal> {
    const NOT_SOUND: &[(&[u8], &str)] = &[
        (b"\x7fELF", "a program"),
        (b"MZ", "a program for Windows"),
        (b"\xca\xfe\xba\xbe", "a program"),
        (b"\xcf\xfa\xed\xfe", "a program for macOS"),
        (b"#!/", "a script"),
        (b"PK\x03\x04", "a ZIP archive or an office document"),
        (b"PK\x05\x06", "an empty ZIP archive"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!", "a RAR archive"),
        (b"BZh", "a bzip2 archive"),
        (b"\xfd7zXZ", "an xz archive"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
        (b"%PDF", "a PDF document"),
        (b"{\\rtf", "a text document"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (b"GIF8", "a picture"),
        (b"\0\0\0\x0cJXL ", "a picture"),
        (b"\0\0\0\x0cjP  ", "a picture"),
        (b"BM", "a picture"),
        (b"II*\0", "a picture"),
        (b"MM\0*", "a picture"),
        (b"MThd", "a MIDI file, which holds notes and no sound"),
        (b"#EXTM3U", "a playlist"),
        (b"ffconcat", "a playlist"),
        (b"[playlist]", "a playlist"),
        (b"\x1a\x45\xdf\xa3", "a WebM or Matroska file"),
        (b"\0\0\x01\xba", "a video"),
        (b"\0\0\x01\xb3", "a video"),
        (b"SQLite format 3", "a database"),
    ];
    const REFUSED: &[(&[u8], &str)] = &[
        (b".snd", "Sun audio (.au)"),
        (b"dns.", "Sun audio (.au)"),
        (b"riff\x2e\x91\xcf\x11", "Wave64"),
        (b"wvpk", "WavPack"),
        (b"MAC ", "Monkey's Audio"),
        (b"TTA1", "True Audio"),
        (b"MPCK", "Musepack"),
        (b"MP+", "Musepack"),
        (b"DSD ", "DSD"),
        (b"FRM8", "DSD"),
        (b"0&\xb2u\x8ef\xcf\x11", "Windows Media"),
        (b".ra\xfd", "RealAudio"),
        (b".RMF", "RealAudio"),
        (b"#!AMR", "AMR telephone sound"),
        (b"OpusHead", "Opus"),
        (b"ADIF", "AAC in ADIF"),
        (b"Creative Voice File", "Creative Voice"),
        (b"SCRM", "tracker modules"),
        (b"IMPM", "tracker modules"),
        (b"Extended Module:", "tracker modules"),
    ];
    if let Some((_, what)) = NOT_SOUND.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(Refusal::looks_like(what));
    }
    if let Some((_, what)) = REFUSED.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(Refusal::unsupported(what));
    }
    let text = String::from_utf8_lossy(&head[..head.len().min(512)]);
    let text = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    let what = match text.as_str() {
        t if t.starts_with("<!doctype html") || t.starts_with("<html") || t.starts_with("<head") => {
            "a web page"
        }
        t if t.starts_with("<svg") || (t.starts_with("<?xml") && t.contains("<svg")) => "a drawing (SVG)",
        t if t.starts_with("<?xml") || t.starts_with("<!--") || t.starts_with("<!doctype") => {
            "an XML document"
        }
        t if t.starts_with('{') && is_text(head) => "a data file (JSON)",
        _ => return None,
    };
    Some(Refusal::looks_like(what))
}

/// Whether there is nothing but letters here.
fn is_text(head: &[u8]) -> bool {
    let look = &head[..head.len().min(4096)];
    !look.is_empty() && look.iter().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..))
}

/// Length of an ID3v2 tag at the beginning, header and footer included.
fn id3_len(head: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', major, _, flags, a, b, c, d, ..] = *head else { return None };
    if major > 9 || (a | b | c | d) & 0x80 != 0 {
        return None;
    }
    let size = u64::from(a) << 21 | u64::from(b) << 14 | u64::from(c) << 7 | u64::from(d);
    Some(10 + size + if flags & 0x10 != 0 { 10 } else { 0 })
}

/// Whether MPEG layer 3 begins here: two frames in a row that agree. Without a tag the first must stand at
/// the very beginning; behind one, padding may lie between.
fn mpeg_frames(head: &[u8], tagged: bool) -> bool {
    let reach = if tagged { head.len() } else { head.iter().take_while(|b| **b == 0).count().min(4096) + 1 };
    (0..reach.min(head.len())).any(|at| {
        let Some(first) = mpeg_header(&head[at..]) else { return false };
        match head.get(at + first.len..) {
            Some(next) if next.len() >= 4 => mpeg_header(next)
                .is_some_and(|second| second.rate == first.rate && second.version == first.version),
            // A file of a single frame.
            _ => at + first.len <= head.len(),
        }
    })
}

/// Whether the first MPEG frame is one that only describes: Xing's, LAME's or Fraunhofer's.
fn counts_frames(head: &[u8]) -> bool {
    let Some(at) = (0..head.len().min(4096)).find(|at| mpeg_header(&head[*at..]).is_some()) else {
        return false;
    };
    let frame = &head[at..head.len().min(at + 64)];
    [b"Xing", b"Info", b"VBRI"].iter().any(|name| frame.windows(4).any(|four| four == *name))
}

struct MpegHeader {
    version: u8,
    rate: u32,
    len: usize,
}

/// The header of an MPEG layer 3 frame, after ISO 11172-3 and 13818-3.
fn mpeg_header(bytes: &[u8]) -> Option<MpegHeader> {
    let [0xff, b, c, _, ..] = *bytes else { return None };
    let (version, layer) = (b >> 3 & 3, b >> 1 & 3);
    if b & 0xe0 != 0xe0 || version == 1 || layer != 1 {
        return None;
    }
    const FULL: [u32; 16] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0];
    const HALF: [u32; 16] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0];
    let kbps = if version == 3 { FULL } else { HALF }[usize::from(c >> 4)];
    let rate = *[44_100u32, 48_000, 32_000].get(usize::from(c >> 2 & 3))?;
    let rate = match version {
        3 => rate,
        2 => rate / 2,
        _ => rate / 4,
    };
    if kbps == 0 {
        return None;
    }
    let per_frame = if version == 3 { 144_000 } else { 72_000 };
    Some(MpegHeader { version, rate, len: (per_frame * kbps / rate) as usize + usize::from(c >> 1 & 1) })
}

/// The master, hashed as far as it is read from front to back; shared by the window and by who asks for
/// the hash at the end.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Hashed>>);

/// A file, and the hash of what was read of it in order so far.
pub struct Hashed {
    file: File,
    sha: Sha256,
    pos: u64,
    upto: u64,
}

impl Shared {
    fn new(file: File) -> Shared {
        Shared(Arc::new(Mutex::new(Hashed { file, sha: Sha256::new(), pos: 0, upto: 0 })))
    }

    /// The file for one reader at a time.
    pub fn lock(&self) -> MutexGuard<'_, Hashed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// SHA-256 of the whole file in hexadecimals; reads what nobody has read in order.
    pub fn sha256(&self) -> io::Result<String> {
        let mut file = self.lock();
        let upto = file.upto;
        file.seek(SeekFrom::Start(upto))?;
        let mut buf = vec![0; HEAD];
        while file.read(&mut buf)? > 0 {}
        Ok(hex::encode(std::mem::take(&mut file.sha).finalize()))
    }

    fn head(&self, at: u64) -> Result<Vec<u8>, Refusal> {
        self.first(at, HEAD)
    }

    fn first(&self, at: u64, bytes: usize) -> Result<Vec<u8>, Refusal> {
        let mut file = self.lock();
        file.seek(SeekFrom::Start(at)).map_err(Refusal::ours)?;
        let mut head = Vec::with_capacity(bytes);
        file.by_ref().take(bytes as u64).read_to_end(&mut head).map_err(Refusal::ours)?;
        Ok(head)
    }

    /// Where the sound of an MP3 ends: ID3v1 and APE tags behind it would be taken for damage.
    fn without_trailing_tags(&self, start: u64, mut end: u64) -> Result<u64, Refusal> {
        let mut file = self.lock();
        let mut tail = |end: u64, back: u64| -> Result<Vec<u8>, Refusal> {
            let mut bytes = Vec::new();
            let from = end.saturating_sub(back).max(start);
            file.seek(SeekFrom::Start(from)).map_err(Refusal::ours)?;
            file.by_ref().take(end - from).read_to_end(&mut bytes).map_err(Refusal::ours)?;
            Ok(bytes)
        };
        if tail(end, 128)?.starts_with(b"TAG") {
            end = end.saturating_sub(128).max(start);
        }
        let ape = tail(end, 32)?;
        if ape.starts_with(b"APETAGEX") {
            let size = u64::from(get_u32(&ape, 12).unwrap_or(0));
            let header = if get_u32(&ape, 20).unwrap_or(0) >> 31 == 1 { 32 } else { 0 };
            end = end.saturating_sub(size + header).max(start);
        }
        Ok(end)
    }
}

impl Read for Hashed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buf)?;
        let to = self.pos + n as u64;
        if self.pos <= self.upto && self.upto < to {
            self.sha.update(&buf[(self.upto - self.pos) as usize..n]);
            self.upto = to;
        }
        self.pos = to;
        Ok(n)
    }
}

impl Seek for Hashed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.pos = self.file.seek(to)?;
        Ok(self.pos)
    }
}

/// What a decoder sees of the file.
pub struct Window {
    file: Shared,
    start: u64,
    len: u64,
    pos: u64,
    /// The first bytes, as they are to be seen.
    head: Vec<u8>,
}

impl Read for Window {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len.saturating_sub(self.pos)).unwrap_or(usize::MAX);
        let want = buf.len().min(left);
        let n = match self.head.get(self.pos as usize..) {
            Some(head) if !head.is_empty() => {
                let n = want.min(head.len());
                buf[..n].copy_from_slice(&head[..n]);
                n
            }
            _ => {
                let mut file = self.file.lock();
                let at = self.start + self.pos;
                if file.pos != at {
                    file.seek(SeekFrom::Start(at))?;
                }
                file.read(&mut buf[..want])?
            }
        };
        self.pos += n as u64;
        Ok(n)
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.pos.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        self.pos = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.pos)
    }
}

impl MediaSource for Window {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}
