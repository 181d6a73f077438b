//! Decoded samples between the two sweeps: 16 bits to each block's own scale (98 dB under its loudest
//! sample), in a file that has no name any more.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// An open file in `folder` that vanishes with its last descriptor.
pub fn nameless(folder: &Path) -> io::Result<File> {
    let path = folder.join(format!(".spool-{}", std::process::id()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// Samples written once, then read from the beginning as often as needed.
pub struct Spool {
    file: File,
    pub channels: usize,
    pub rate: u32,
    pub frames: u64,
    /// Samples and scale of each block.
    blocks: Vec<(u32, f32)>,
    bytes: Vec<u8>,
    next: usize,
}

impl Spool {
    /// An empty spool in this file, which must be empty too.
    pub fn new(file: File, rate: u32, channels: usize) -> Spool {
        Spool { file, channels, rate, frames: 0, blocks: Vec::new(), bytes: Vec::new(), next: 0 }
    }

    /// Appends interleaved samples.
    pub fn write(&mut self, samples: &[f32]) -> io::Result<()> {
        if samples.is_empty() {
            return Ok(());
        }
        let most = samples.iter().fold(0f32, |most, s| most.max(s.abs()));
        let scale = (most / 32_767.0).max(f32::MIN_POSITIVE);
        let by = 1.0 / scale;
        self.bytes.resize(samples.len() * 2, 0);
        for (bytes, sample) in self.bytes.as_chunks_mut::<2>().0.iter_mut().zip(samples) {
            // Half away from zero; `as` saturates.
            let value = sample * by;
            *bytes = ((value + 0.5f32.copysign(value)) as i16).to_le_bytes();
        }
        self.file.write_all(&self.bytes)?;
        self.blocks.push((samples.len() as u32, scale));
        self.frames += (samples.len() / self.channels) as u64;
        Ok(())
    }

    /// Back to the first block.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.next = 0;
        self.file.seek(SeekFrom::Start(0)).map(|_| ())
    }

    /// To the block that holds `frame`; gives that block's first frame.
    pub fn rewind_to(&mut self, frame: u64) -> io::Result<u64> {
        let (mut samples, wanted) = (0u64, frame.saturating_mul(self.channels as u64));
        self.next = 0;
        while let Some((count, _)) = self.blocks.get(self.next) {
            if samples + u64::from(*count) > wanted {
                break;
            }
            samples += u64::from(*count);
            self.next += 1;
        }
        self.file.seek(SeekFrom::Start(samples * 2))?;
        Ok(samples / self.channels as u64)
    }

    /// The next block as it was written, or false at the end.
    pub fn read(&mut self, samples: &mut Vec<f32>) -> io::Result<bool> {
        samples.clear();
        let Some((count, scale)) = self.blocks.get(self.next).copied() else { return Ok(false) };
        self.next += 1;
        self.bytes.resize(count as usize * 2, 0);
        self.file.read_exact(&mut self.bytes)?;
        samples
            .extend(self.bytes.as_chunks::<2>().0.iter().map(|b| f32::from(i16::from_le_bytes(*b)) * scale));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_blocks_keep_their_fineness() -> io::Result<()> {
        let mut spool = Spool::new(nameless(&std::env::temp_dir())?, 44_100, 2);
        let loud: Vec<f32> = (0..2000).map(|i| (i as f32 * 0.37).sin()).collect();
        let quiet: Vec<f32> = loud.iter().map(|s| s * 1e-4).collect();
        spool.write(&loud)?;
        spool.write(&quiet)?;
        for _ in 0..2 {
            spool.rewind()?;
            let mut back = Vec::new();
            for want in [&loud, &quiet] {
                assert!(spool.read(&mut back)?);
                let most = want.iter().fold(0f32, |m, s| m.max(s.abs()));
                assert!(want.iter().zip(&back).all(|(a, b)| (a - b).abs() <= most / 32_000.0));
            }
            assert!(!spool.read(&mut back)?);
        }
        assert_eq!(spool.frames, 2000);
        let mut back = Vec::new();
        assert_eq!([spool.rewind_to(999)?, spool.rewind_to(2000)?, spool.rewind_to(1000)?], [0, 2000, 1000]);
        assert!(spool.read(&mut back)? && (back[5] - quiet[5]).abs() < 1e-6 && !spool.read(&mut back)?);
        Ok(())
    }
}
