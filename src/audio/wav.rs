//! WAV written: for deliveries, for the demo's own sounds and for tests.

use std::io::{self, Seek, SeekFrom, Write};

use super::Tags;

/// A PCM WAV of 16 or 24 bits being written to something that can seek.
pub struct Writer<W> {
    out: W,
    rate: u32,
    channels: u16,
    bits: u16,
    frames: u64,
    bytes: Vec<u8>,
}

impl<W: Write + Seek> Writer<W> {
    /// Begins a WAV of `bits` (16 or 24; anything else is taken for 16).
    pub fn new(mut out: W, rate: u32, channels: u16, bits: u16) -> io::Result<Writer<W>> {
        let bits = if bits == 24 { 24 } else { 16 };
        out.write_all(&header(rate, channels, bits, 0, 0))?;
        Ok(Writer { out, rate, channels, bits, frames: 0, bytes: Vec::new() })
    }

    /// Appends interleaved samples; full scale is 1, beyond is clipped.
    pub fn write(&mut self, samples: &[f32]) -> io::Result<()> {
        self.bytes.clear();
        let full = if self.bits == 24 { 8_388_607.0 } else { 32_767.0 };
        for sample in samples {
            let value = (sample.clamp(-1.0, 1.0) * full).round() as i32;
            self.bytes.extend_from_slice(&value.to_le_bytes()[..usize::from(self.bits / 8)]);
        }
        self.frames += (samples.len() / usize::from(self.channels)) as u64;
        self.out.write_all(&self.bytes)
    }

    /// Completes the header and gives back what was written to.
    pub fn finish(mut self) -> io::Result<W> {
        let end = self.out.stream_position()?;
        if end % 2 == 1 {
            self.out.write_all(&[0])?;
        }
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header(self.rate, self.channels, self.bits, self.frames, 0))?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A whole PCM WAV in memory.
pub fn bytes(rate: u32, channels: u16, bits: u16, samples: &[f32]) -> Vec<u8> {
    let written = Writer::new(io::Cursor::new(Vec::new()), rate, channels, bits).and_then(|mut writer| {
        writer.write(samples)?;
        writer.finish()
    });
    // Memory does not fail to be written to.
    written.map(io::Cursor::into_inner).unwrap_or_default()
}

/// Length of [`header`].
pub const HEADER: usize = 44;

/// The 44 bytes before the samples; `behind` counts the bytes of chunks that follow them.
pub fn header(rate: u32, channels: u16, bits: u16, frames: u64, behind: u32) -> [u8; HEADER] {
    let block = channels.saturating_mul(bits / 8);
    let data = u32::try_from(frames.saturating_mul(u64::from(block))).unwrap_or(u32::MAX);
    let riff = 36u32.saturating_add(data).saturating_add(data % 2).saturating_add(behind);
    let mut head = [0; HEADER];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        head[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"RIFF");
    put(&riff.to_le_bytes());
    put(b"WAVEfmt ");
    put(&16u32.to_le_bytes());
    put(&1u16.to_le_bytes());
    put(&channels.to_le_bytes());
    put(&rate.to_le_bytes());
    put(&rate.saturating_mul(u32::from(block)).to_le_bytes());
    put(&block.to_le_bytes());
    put(&bits.to_le_bytes());
    put(b"data");
    put(&data.to_le_bytes());
    head
}

/// A `LIST` chunk of type `INFO`: title, artist, licence number. Empty when there is nothing to say.
pub fn info(tags: &Tags) -> Vec<u8> {
    let mut body = b"INFO".to_vec();
    let licence = if tags.licence.is_empty() { String::new() } else { format!("Licence {}", tags.licence) };
    for (name, text) in [(b"INAM", &tags.title), (b"IART", &tags.artist), (b"ICOP", &licence)] {
        if text.is_empty() {
            continue;
        }
        let text: String = text.chars().filter(|c| !c.is_control()).take(250).collect();
        body.extend_from_slice(name);
        body.extend_from_slice(&(text.len() as u32 + 1).to_le_bytes());
        body.extend_from_slice(text.as_bytes());
        body.resize(body.len() + 1 + (text.len() + 1) % 2, 0);
    }
    if body.len() == 4 {
        return Vec::new();
    }
    let mut chunk = b"LIST".to_vec();
    chunk.extend_from_slice(&(body.len() as u32).to_le_bytes());
    chunk.extend(body);
    chunk
}

/// An ID3v2.4 tag with the same, in UTF-8. Empty when there is nothing to say.
pub fn id3(tags: &Tags) -> Vec<u8> {
    let licence = if tags.licence.is_empty() { String::new() } else { format!("Licence {}", tags.licence) };
    let mut body = Vec::new();
    for (name, text) in [(b"TIT2", &tags.title), (b"TPE1", &tags.artist), (b"TCOP", &licence)] {
        if text.is_empty() {
            continue;
        }
        let text: String = text.chars().filter(|c| !c.is_control()).take(250).collect();
        body.extend_from_slice(name);
        body.extend_from_slice(&syncsafe(text.len() as u32 + 1));
        body.extend_from_slice(&[0, 0, 3]);
        body.extend_from_slice(text.as_bytes());
    }
    if body.is_empty() {
        return body;
    }
    let mut tag = b"ID3\x04\0\0".to_vec();
    tag.extend_from_slice(&syncsafe(body.len() as u32));
    tag.extend(body);
    tag
}

/// 28 bits in four bytes of seven.
fn syncsafe(n: u32) -> [u8; 4] {
    [(n >> 21 & 0x7f) as u8, (n >> 14 & 0x7f) as u8, (n >> 7 & 0x7f) as u8, (n & 0x7f) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_counts_what_was_written() {
        let wav = bytes(48_000, 2, 24, &[0.0, 0.5, -0.5, 1.0, -2.0, 0.25]);
        assert_eq!(wav.len(), 44 + 18);
        assert_eq!(&wav[40..44], &18u32.to_le_bytes());
        assert_eq!(&wav[4..8], &(36 + 18u32).to_le_bytes());
        assert_eq!(&wav[44 + 9..44 + 12], &8_388_607i32.to_le_bytes()[..3]);
        assert_eq!(&wav[44 + 12..44 + 15], &(-8_388_607i32).to_le_bytes()[..3]);
    }

    #[test]
    fn tags_of_odd_length_are_padded() {
        let chunk = info(&Tags { title: "Räin".into(), artist: "A".into(), licence: "CUE-1".into() });
        assert_eq!(chunk.len() % 2, 0);
        assert_eq!(u32::from_le_bytes(chunk[4..8].try_into().unwrap()) as usize, chunk.len() - 8);
        assert!(info(&Tags::default()).is_empty() && id3(&Tags::default()).is_empty());
    }
}
