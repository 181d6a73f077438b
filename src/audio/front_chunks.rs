//! Files made of chunks (WAV, AIFF, CAF, M4A) shown so that their readers take them: lengths that reach beyond the
//! end of the file are cut to it, and what a recorder or a pipe left open is closed.

use super::Refusal;
use super::front::HEAD;

/// How far into a WAV its sound is looked for.
const RIFF_HEAD: usize = 8 << 20;

/// Shows RF64 as RIFF and cuts a data chunk that reaches beyond the file. Gives the frames it declared.
/// `more` gives so many of the first bytes, where the sound begins behind long descriptions.
pub fn riff(
    head: &mut Vec<u8>,
    len: u64,
    more: impl Fn(usize) -> Result<Vec<u8>, Refusal>,
) -> Result<Option<u64>, Refusal> {
    let mut long = None;
    let is_long = &head[..4] != b"RIFF";
    head[..4].copy_from_slice(b"RIFF");
    put_u32(head, 4, u32::try_from(len - 8).unwrap_or(u32::MAX));
    let (mut at, mut block) = (12usize, 0u64);
    loop {
        let reach = at.saturating_add(24);
        if reach > head.len() && reach <= RIFF_HEAD && (head.len() as u64) < len {
            let longer = more(reach.next_multiple_of(HEAD))?;
            head.extend_from_slice(longer.get(head.len()..).unwrap_or_default());
        }
        let Some(size) = get_u32(head, at.saturating_add(4)) else {
            // Metadata longer than what we look at: the reader finds its own way, save for RF64.
            return if is_long {
                Err(Refusal::unsupported("RF64 with its sound so far behind"))
            } else {
                Ok(None)
            };
        };
        match &head[at..at + 4] {
            b"ds64" => {
                long = Some(
                    u64::from(get_u32(head, at + 16).unwrap_or(0))
                        | u64::from(get_u32(head, at + 20).unwrap_or(0)) << 32,
                );
                head[at..at + 4].copy_from_slice(b"JUNK");
            }
            b"fmt " => {
                // Before the sound is cut to whole frames: a frame of 65,535 channels is longer than most files.
                within_eight(get_u32(head, at + 8).map(|format_and_channels| format_and_channels >> 16))?;
                block = u64::from(get_u32(head, at + 20).unwrap_or(0) & 0xffff);
            }
            b"data" => {
                let there = len - (at as u64 + 8);
                let unsaid = size == u32::MAX && long.is_none() || size == 0 && there > 8;
                let said = match long {
                    Some(long) if size == u32::MAX => long,
                    _ => u64::from(size),
                };
                let mut take = if unsaid { there } else { said.min(there) };
                take -= take.checked_rem(block).unwrap_or(0);
                if take == 0 {
                    return Err(Refusal::Empty);
                }
                if take > u64::from(u32::MAX - 1) {
                    return Err(Refusal::TooLarge);
                }
                put_u32(head, at + 4, take as u32);
                return Ok(if unsaid { None } else { said.checked_div(block) });
            }
            _ => {}
        }
        at = at.saturating_add(8 + size as usize + (size & 1) as usize);
    }
}

/// Cuts the sound chunk of an AIFF that reaches beyond the file. Gives the frames it declared.
pub fn form(head: &mut [u8], len: u64) -> Result<Option<u64>, Refusal> {
    let be32 = |head: &[u8], at: usize| get_u32(head, at).map(u32::swap_bytes);
    let (mut at, mut declared) = (12usize, None);
    // Descriptions longer than what we look at: the reader finds its own way.
    while let Some(size) = be32(head, at.saturating_add(4)) {
        match &head[at..at + 4] {
            b"COMM" => {
                within_eight(be32(head, at + 8).map(|channels_and_frames| channels_and_frames >> 16))?;
                declared = be32(head, at + 10).map(u64::from);
            }
            b"SSND" => {
                let there = u32::try_from(len - (at as u64 + 8)).unwrap_or(u32::MAX);
                if size > there {
                    put_u32(head, at + 4, there.swap_bytes());
                    put_u32(head, 4, u32::try_from(len - 8).unwrap_or(u32::MAX).swap_bytes());
                    return Ok(declared);
                }
            }
            _ => {}
        }
        at = at.saturating_add(8 + size as usize + (size & 1) as usize);
    }
    Ok(declared)
}

/// What is to be seen of a CAF.
pub struct Caf {
    /// Frames it says it holds, where that is more than there are.
    pub declared: Option<u64>,
    /// Bytes, without what is left of a packet at its end.
    pub len: u64,
}

/// Cuts the sound chunk of a CAF that reaches beyond the file, or that a pipe left open, to the packets
/// that are there: the reader takes neither.
pub fn caf(head: &mut [u8], len: u64) -> Result<Caf, Refusal> {
    let be32 = |head: &[u8], at: usize| get_u32(head, at).map(u32::swap_bytes);
    let (mut at, mut packet, mut frames, mut table) = (8usize, 0, 0, false);
    // Descriptions longer than what we look at: the reader finds its own way.
    while let Some(size) = get_u64(head, at.saturating_add(4)).map(u64::swap_bytes) {
        match &head[at..at + 4] {
            b"desc" => {
                within_eight(be32(head, at + 36))?;
                packet = u64::from(be32(head, at + 28).unwrap_or(0));
                frames = u64::from(be32(head, at + 32).unwrap_or(0));
            }
            b"pakt" => table = true,
            b"data" => {
                // A count of edits stands before the sound.
                let there = len - (at as u64 + 12);
                let open = size == u64::MAX;
                if there < 4 || size <= there {
                    break;
                }
                // Packets that differ in length are found by their table, which most writers put last.
                if packet == 0 && !table {
                    return Err(Refusal::Damaged);
                }
                let take = there - (there - 4).checked_rem(packet).unwrap_or(0);
                head[at + 4..at + 12].copy_from_slice(&take.to_be_bytes());
                let said = (size - 4).checked_div(packet).filter(|_| !open && frames > 0);
                let declared = said.map(|packets| packets.saturating_mul(frames));
                return Ok(Caf { declared, len: at as u64 + 12 + take });
            }
            _ => {}
        }
        at = at.saturating_add(12).saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
    }
    Ok(Caf { declared: None, len })
}

/// Cuts a box of an MP4 that reaches beyond the file: the reader does not go into it at all. What stands
/// behind a movie box longer than what we look at stays as it is.
pub fn boxes(head: &mut [u8], len: u64) {
    let mut at = 0usize;
    while let Some(short) = get_u32(head, at).map(u32::swap_bytes) {
        let there = len - at as u64;
        let size = match short {
            // To the end of the file.
            0 => return,
            1 => get_u64(head, at.saturating_add(8)).map_or(0, u64::swap_bytes),
            short => u64::from(short),
        };
        if size > there {
            if short == 1 {
                head[at + 8..at + 16].copy_from_slice(&there.to_be_bytes());
            } else {
                put_u32(head, at, (there as u32).swap_bytes());
            }
            return;
        }
        if size < 8 {
            return;
        }
        at = at.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
    }
}

/// Refuses channels out of reason, where the file says how many it has.
fn within_eight(channels: Option<u32>) -> Result<(), Refusal> {
    match channels {
        Some(channels) if !(1..=8).contains(&channels) => Err(Refusal::OddChannels { channels }),
        _ => Ok(()),
    }
}

/// Four bytes as a number, lowest first.
pub fn get_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn get_u64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}
