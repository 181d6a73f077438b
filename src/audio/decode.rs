//! A recognised file becomes blocks of samples: counted, bounded, without priming and without what is no number.

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::well_known::*;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::default::formats::{
    AiffReader, CafReader, FlacReader, IsoMp4Reader, MpaReader, OggReader, WavReader,
};

use super::Refusal;
use super::front::{Kind, Opened, Shared};

/// Frames a block aims at: long enough that calls do not count, short enough to stay in the cache.
pub const BLOCK: usize = 16_384;

/// What is known before the first sample.
#[derive(Clone, Debug)]
pub struct Spec {
    pub container: &'static str,
    pub codec: String,
    pub rate: u32,
    pub channels: usize,
    /// Bits of a sample as stored; unknown for lossy codings.
    pub bits: Option<u32>,
    /// Frames the file says it holds; only from containers whose word counts.
    pub declared: Option<u64>,
    pub bytes: u64,
}

/// Samples, interleaved, twice: as numbers to calculate with, and as 32-bit integers (full scale is 2^31),
/// which are exact for every integer coding.
#[derive(Default)]
pub struct Block {
    pub frames: usize,
    pub floats: Vec<f32>,
    pub ints: Vec<i32>,
}

/// Sound on its way out of a file.
pub struct Source {
    pub spec: Spec,
    pub file: Shared,
    /// Packets seen, packets that could not be decoded, samples that were no numbers.
    pub packets: u64,
    pub bad_packets: u64,
    /// Of the damaged ones, those of another rate or other channels.
    changed: u64,
    pub not_numbers: u64,
    pub frames: u64,
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    /// The stream broke off before its own end.
    cut: bool,
    skip: u64,
    left: u64,
    max_frames: u64,
    max_secs: u64,
    scratch: Vec<f32>,
    whole: Vec<i32>,
    ended: bool,
}

/// Opens `opened` for decoding at most `max_secs`.
pub fn source(opened: Opened, max_secs: u64) -> Result<Source, Refusal> {
    let Opened { kind, file, window, declared, counted, movie, bytes } = opened;
    let stream = MediaSourceStream::new(Box::new(window), Default::default());
    let reader = reader(kind, stream).map_err(|error| refused(kind, error))?;
    let track = reader.default_track(TrackType::Audio).ok_or(Refusal::Empty)?;
    let id = track.id;
    let params = track.codec_params.as_ref().and_then(|params| params.audio()).ok_or(Refusal::Empty)?.clone();
    // Rates and shapes first: a decoder of 1 Hz or 65,535 channels is not even made.
    let rate = params.sample_rate.unwrap_or(0);
    if !(8_000..=384_000).contains(&rate) {
        return Err(Refusal::OddRate { hertz: rate });
    }
    let channels = params.channels.as_ref().map_or(0, |channels| channels.count());
    if let Some(bits) = params.bits_per_sample.filter(|bits| !(8..=64).contains(bits)) {
        return Err(Refusal::OddBits { bits });
    }
    // Some containers leave the channels to the first packet.
    if channels > 8 {
        return Err(Refusal::OddChannels { channels: channels as u32 });
    }
    let decoder = symphonia::default::get_codecs()
        .make_audio_decoder(&params, &AudioDecoderOptions::default())
        .map_err(|error| refused(kind, error))?;
    let lossy = is_lossy(params.codec);
    let declared = match kind {
        Kind::Wav => declared,
        Kind::Aiff | Kind::Caf if declared.is_some() => declared,
        Kind::M4a => movie.map(|movie| movie.table.in_frames(rate)).filter(|table| *table > 0),
        Kind::Flac | Kind::Aiff | Kind::Caf => track.num_frames.filter(|frames| *frames > 0),
        // Where a frame at the head counts those behind it; else the reader only guesses from the bit rate.
        Kind::Mp3 => track.num_frames.filter(|frames| counted && *frames > 0),
        Kind::Ogg => None,
    };
    // The table of an MP4 and the blocks of an ADPCM file count other things than frames of sound.
    let declared = declared.filter(|_| !is_adpcm(params.codec));
    let spec = Spec {
        container: container(kind),
        codec: codec(params.codec),
        rate,
        channels,
        bits: if lossy {
            None
        } else {
            bits(params.codec).or(params.bits_per_sample).or_else(|| alac_bits(&params))
        },
        declared,
        bytes,
    };
    let priming = movie.map_or(0, |movie| movie.priming.in_frames(rate));
    // Without a word about its length, the sound ends where the table does.
    let left = movie.and_then(|movie| {
        let rest = || movie.table.in_frames(rate).checked_sub(priming).filter(|frames| *frames > 0);
        movie.frames.map(|frames| frames.in_frames(rate)).or_else(rest)
    });
    Ok(Source {
        spec,
        file,
        packets: 0,
        bad_packets: 0,
        changed: 0,
        not_numbers: 0,
        frames: 0,
        reader,
        decoder,
        track: id,
        cut: false,
        skip: priming,
        left: left.unwrap_or(u64::MAX),
        max_frames: max_secs.saturating_mul(u64::from(rate)),
        max_secs,
        scratch: Vec::new(),
        whole: Vec::new(),
        ended: false,
    })
}

impl Source {
    /// Fills `block` with about [`BLOCK`] frames; an empty block is the end.
    pub fn fill(&mut self, block: &mut Block) -> Result<(), Refusal> {
        block.frames = 0;
        block.floats.clear();
        block.ints.clear();
        while block.frames < BLOCK && !self.ended {
            self.packet(block)?;
        }
        self.frames += block.frames as u64;
        if self.frames > self.max_frames {
            return Err(Refusal::TooLong { max_secs: self.max_secs });
        }
        Ok(())
    }

    /// What can only be said at the end; call it when an empty block came.
    pub fn verdict(&self) -> Result<(), Refusal> {
        let rate = f64::from(self.spec.rate);
        let cut_off = self.cut_off();
        // Where a file breaks off, a packet or two are broken.
        if let Some(refusal) = cut_off.clone().filter(|_| self.bad_packets <= 2) {
            return Err(refusal);
        }
        if self.bad_packets > 0 && self.bad_packets * 100 > self.packets {
            return Err(if self.changed * 2 > self.bad_packets {
                Refusal::Changes
            } else {
                Refusal::Damaged
            });
        }
        let samples = self.frames.saturating_mul(self.spec.channels as u64);
        if self.not_numbers > 0 && self.not_numbers.saturating_mul(10_000) > samples {
            return Err(Refusal::NotNumbers { count: self.not_numbers });
        }
        if let Some(refusal) = cut_off {
            return Err(refusal);
        }
        if self.frames == 0 {
            return Err(Refusal::Empty);
        }
        if (self.frames as f64) < rate * 0.05 {
            return Err(Refusal::TooShort);
        }
        Ok(())
    }

    /// That more is missing than rounding explains, or that the end is.
    fn cut_off(&self) -> Option<Refusal> {
        let rate = f64::from(self.spec.rate);
        let found_secs = self.frames as f64 / rate;
        if let Some(declared) = self.spec.declared {
            let missing = declared.saturating_sub(self.frames + self.skipped()) as f64;
            if missing > (rate * 0.5).max(declared as f64 * 0.01) {
                return Some(Refusal::CutOff { declared_secs: declared as f64 / rate, found_secs });
            }
        }
        (self.cut && self.frames > 0).then_some(Refusal::CutOff { declared_secs: 0.0, found_secs })
    }

    /// Frames that a declared count includes and the sound does not: priming of an M4A.
    fn skipped(&self) -> u64 {
        if self.spec.container == "M4A" { 4096 } else { 0 }
    }

    fn packet(&mut self, block: &mut Block) -> Result<(), Refusal> {
        let packet = match self.reader.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => {
                self.ended = true;
                return Ok(());
            }
            Err(Error::ResetRequired) => return Err(Refusal::Changes),
            Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                self.ended = true;
                // Only Ogg marks its last page; elsewhere the count says whether something is missing.
                self.cut = self.spec.container == "Ogg";
                return Ok(());
            }
            // The reader lost its way: what it gave so far counts against it.
            Err(_) => {
                self.packets += 1;
                self.bad_packets += 1;
                self.ended = self.bad_packets > 64 + self.packets / 50;
                return Ok(());
            }
        };
        if packet.track_id != self.track {
            return Ok(());
        }
        self.packets += 1;
        match self.decoder.decode(&packet) {
            Ok(sound) => {
                let (rate, channels) = (sound.spec().rate(), sound.spec().channels().count());
                if channels == 0 || channels > 8 {
                    return Err(Refusal::OddChannels { channels: channels as u32 });
                }
                if self.spec.channels == 0 {
                    self.spec.channels = channels;
                }
                if sound.frames() > 0 && (rate != self.spec.rate || channels != self.spec.channels) {
                    return Err(Refusal::Changes);
                }
                let skip = self.skip.min(sound.frames() as u64) as usize;
                let take = (sound.frames() - skip).min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.skip -= skip as u64;
                self.left -= take as u64;
                if take > 0 {
                    let part = skip * channels..(skip + take) * channels;
                    self.not_numbers += append(&sound, part, &mut self.scratch, &mut self.whole, block);
                    block.frames += take;
                }
                self.ended = self.left == 0;
            }
            Err(Error::ResetRequired) => return Err(Refusal::Changes),
            // Vorbis and MP3 decoders may find a first packet useless without being damaged; the share decides.
            Err(error @ (Error::DecodeError(_) | Error::IoError(_) | Error::LimitError(_))) => {
                self.bad_packets += 1;
                // What the MP3 decoder says of a frame of another rate or other channels.
                self.changed +=
                    u64::from(matches!(error, Error::DecodeError(why) if why.contains("signal spec")));
                self.ended = self.bad_packets > 64 + self.packets / 50;
            }
            Err(error) => return Err(refused(Kind::Wav, error)),
        }
        Ok(())
    }
}

/// Appends what was decoded; gives how many samples were no numbers.
fn append(
    sound: &GenericAudioBufferRef<'_>,
    part: std::ops::Range<usize>,
    scratch: &mut Vec<f32>,
    whole: &mut Vec<i32>,
    block: &mut Block,
) -> u64 {
    if !matches!(sound, GenericAudioBufferRef::F32(_) | GenericAudioBufferRef::F64(_)) {
        sound.copy_to_vec_interleaved::<i32>(whole);
        let ints = &whole[part];
        block.ints.extend_from_slice(ints);
        block.floats.extend(ints.iter().map(|s| *s as f32 * (1.0 / 2_147_483_648.0)));
        return 0;
    }
    sound.copy_to_vec_interleaved::<f32>(scratch);
    let floats = &mut scratch[part];
    let mut strange = 0;
    for sample in &mut *floats {
        // Beyond 1e6 (120 dB over full scale) nobody meant it.
        if sample.is_nan() || sample.abs() > 1e6 {
            *sample = 0.0;
            strange += 1;
        }
    }
    block.ints.extend(floats.iter().map(|s| to_int(*s)));
    block.floats.extend(floats.iter().map(|s| s.clamp(-8.0, 8.0)));
    strange
}

/// Full scale to 2^31, rounded to the even neighbour, saturating.
#[inline]
fn to_int(sample: f32) -> i32 {
    let scaled = sample * 2_147_483_648.0;
    // Adding and taking away 1.5 * 2^23 rounds in the adder; larger values have no fraction left.
    const ROUND: f32 = 12_582_912.0;
    let rounded =
        if scaled.abs() < 4_194_304.0 { (scaled + ROUND) - ROUND } else { scaled.round_ties_even() };
    rounded as i32
}

fn reader(
    kind: Kind,
    stream: MediaSourceStream<'static>,
) -> symphonia::core::errors::Result<Box<dyn FormatReader>> {
    let options = FormatOptions::default();
    Ok(match kind {
        Kind::Wav => Box::new(WavReader::try_new(stream, options)?),
        Kind::Aiff => Box::new(AiffReader::try_new(stream, options)?),
        Kind::Flac => Box::new(FlacReader::try_new(stream, options)?),
        Kind::Caf => Box::new(CafReader::try_new(stream, options)?),
        Kind::M4a => Box::new(IsoMp4Reader::try_new(stream, options)?),
        Kind::Ogg => Box::new(OggReader::try_new(stream, options)?),
        Kind::Mp3 => Box::new(MpaReader::try_new(stream, options)?),
    })
}

fn refused(kind: Kind, error: Error) -> Refusal {
    match error {
        Error::Unsupported(_) => {
            Refusal::Unsupported { what: format!("the coding inside this {} file", container(kind)) }
        }
        Error::ResetRequired => Refusal::Changes,
        _ => Refusal::Damaged,
    }
}

fn container(kind: Kind) -> &'static str {
    match kind {
        Kind::Wav => "WAV",
        Kind::Aiff => "AIFF",
        Kind::Flac => "FLAC",
        Kind::Caf => "CAF",
        Kind::M4a => "M4A",
        Kind::Ogg => "Ogg",
        Kind::Mp3 => "MP3",
    }
}

fn is_lossy(codec: AudioCodecId) -> bool {
    matches!(codec, CODEC_ID_MP3 | CODEC_ID_AAC | CODEC_ID_VORBIS) || is_adpcm(codec)
}

fn is_adpcm(codec: AudioCodecId) -> bool {
    matches!(codec, CODEC_ID_ADPCM_MS | CODEC_ID_ADPCM_IMA_WAV | CODEC_ID_ADPCM_IMA_QT)
}

fn codec(id: AudioCodecId) -> String {
    match id {
        CODEC_ID_MP3 => "MP3",
        CODEC_ID_AAC => "AAC",
        CODEC_ID_VORBIS => "Vorbis",
        CODEC_ID_FLAC => "FLAC",
        CODEC_ID_ALAC => "ALAC",
        CODEC_ID_PCM_ALAW => "A-law",
        CODEC_ID_PCM_MULAW => "µ-law",
        CODEC_ID_PCM_F32LE | CODEC_ID_PCM_F32BE | CODEC_ID_PCM_F64LE | CODEC_ID_PCM_F64BE => "PCM float",
        id if is_adpcm(id) => "ADPCM",
        _ => "PCM",
    }
    .to_owned()
}

/// Apple keeps the depth in the coding's own description, after the frame length and a version.
fn alac_bits(params: &AudioCodecParameters) -> Option<u32> {
    let cookie = params.extra_data.as_deref().filter(|_| params.codec == CODEC_ID_ALAC)?;
    cookie.get(5).map(|bits| u32::from(*bits))
}

/// Bits of codings whose parameters leave them unsaid.
fn bits(id: AudioCodecId) -> Option<u32> {
    match id {
        CODEC_ID_PCM_F32LE | CODEC_ID_PCM_F32BE => Some(32),
        CODEC_ID_PCM_F64LE | CODEC_ID_PCM_F64BE => Some(64),
        CODEC_ID_PCM_ALAW | CODEC_ID_PCM_MULAW => Some(8),
        _ => None,
    }
}
