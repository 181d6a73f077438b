//! Who offers what in the demo shop: people, titles, words, tags and prices, as data. What the words say of the sound is
//! true of what `music`, `loops` and `effects` make; tempo and key are read from the pieces themselves.

use crate::accounts::user::Role;
use crate::audio::wav;
use crate::catalogue::lists;
use crate::catalogue::track::{Description, Kind};
use crate::catalogue::voices::Voices;
use crate::money::Cents;
use crate::sales::tier;

use super::effects;
use super::loops;
use super::mix::{self, Frame};
use super::music;
use super::score::Piece;

/// Someone of the demo.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub name: &'static str,
    pub handle: &'static str,
    pub email: &'static str,
    /// Nothing: a buyer, as everyone is.
    pub role: Option<Role>,
    pub about: &'static str,
    /// Label and address.
    pub links: &'static [(&'static str, &'static str)],
}

/// A track of the demo: whose, under which file name, and what is said of it.
#[derive(Clone, Debug)]
pub struct Spec {
    pub uploader: &'static Person,
    pub filename: String,
    pub description: Description,
}

const INES: usize = 0;
const HALDEN: usize = 1;
const SUNNIVA: usize = 2;
const OKORO: usize = 3;
const FOLEY: usize = 4;

/// The five who sell, then one of each other kind.
pub const PEOPLE: &[Person] = &[
    Person {
        name: "Ines Morrow",
        handle: "ines-morrow",
        email: "ines@demo.example",
        role: Some(Role::Uploader),
        about: "Strings, felt pianos and the occasional crooked waltz. I write for pictures that do not explain themselves, and I leave room for the people who talk in them.",
        links: &[
            ("Scores", "https://ines-morrow.example/scores"),
            ("Notes on writing short", "https://ines-morrow.example/notes"),
        ],
    },
    Person {
        name: "Halden Kit",
        handle: "halden-kit",
        email: "halden@demo.example",
        role: Some(Role::Uploader),
        about: "Guitars, double bass, whatever is in the room. Played by one person, one part after the other, with the mistakes that were better than the plan.",
        links: &[("The room", "https://halden-kit.example")],
    },
    Person {
        name: "Sunniva",
        handle: "sunniva",
        email: "sunniva@demo.example",
        role: Some(Role::Uploader),
        about: "Mallets, music boxes, voices without words. Light things with a little weather in them.",
        links: &[("Listen in order", "https://sunniva.example/order")],
    },
    Person {
        name: "Okoro Lane",
        handle: "okoro-lane",
        email: "okoro@demo.example",
        role: Some(Role::Uploader),
        about: "Drum machines, acid lines, dub that goes on too long. Everything is cut to whole bars, so that you can cut it again.",
        links: &[
            ("Patches", "https://okoro-lane.example/patches"),
            ("Live", "https://okoro-lane.example/live"),
        ],
    },
    Person {
        name: "Field & Foley",
        handle: "field-foley",
        email: "hello@demo.example",
        role: Some(Role::Uploader),
        about: "Doors, rain, gravel and the noises machines make when they think nobody listens. Dry where it can be, in a room where it must.",
        links: &[("How we work", "https://field-and-foley.example/method")],
    },
    Person {
        name: "Bea Lindqvist",
        handle: "bea-lindqvist",
        email: "buyer@demo.example",
        role: None,
        about: "",
        links: &[],
    },
    Person {
        name: "Ruth Ansel",
        handle: "ruth-ansel",
        email: "reviewer@demo.example",
        role: Some(Role::Reviewer),
        about: "",
        links: &[],
    },
    Person {
        name: "Theo Wick",
        handle: "theo-wick",
        email: "support@demo.example",
        role: Some(Role::Support),
        about: "",
        links: &[],
    },
    Person {
        name: "Mara Quill",
        handle: "mara-quill",
        email: "admin@demo.example",
        role: Some(Role::Admin),
        about: "",
        links: &[],
    },
];

/// How a track is made.
#[derive(Clone, Copy)]
enum Make {
    Piece(fn(u64) -> Piece),
    /// Drums and noises: a tempo, but no key worth the name.
    Drums(fn(u64) -> Piece),
    Effect(fn(u64) -> Vec<Frame>),
}

struct Entry {
    by: usize,
    title: &'static str,
    about: &'static str,
    make: Make,
    genre: &'static str,
    vocals: &'static str,
    moods: &'static [&'static str],
    instruments: &'static [&'static str],
    tags: &'static [&'static str],
    /// Per cent of each tier's own price.
    price: i64,
    bits: u16,
    mono: bool,
}

const PLAIN: Entry = Entry {
    by: INES,
    title: "",
    about: "",
    make: Make::Effect(effects::whoosh),
    genre: "",
    vocals: "none",
    moods: &[],
    instruments: &[],
    tags: &[],
    price: 100,
    bits: 24,
    mono: false,
};

/// Music and loops alternate with effects, so that a shop that is only half full has some of everything.
#[rustfmt::skip]
static ENTRIES: &[Entry] = &[
    Entry { by: INES, title: "Copper Weather", about: "Low strings that gather for a minute and a half and never quite break. Cellos carry the tune, short bows keep it moving, horns and timpani arrive late.", make: Make::Piece(music::copper_weather), genre: "cinematic", moods: &["brooding", "tense", "dramatic"], instruments: &["strings", "cello", "brass", "timpani"], tags: &["slow build", "low strings", "storm", "documentary"], price: 140, ..PLAIN },
    Entry { by: FOLEY, title: "Rain on tin, close", about: "Steady rain on a corrugated roof, heard from just under it. Single drops ring left and right over an even hiss.", make: Make::Effect(effects::rain_on_tin), genre: "weather", moods: &["calm"], instruments: &["field-recording"], tags: &["rain", "roof", "steady", "tin"], price: 110, ..PLAIN },
    Entry { by: HALDEN, title: "Two Trains North", about: "Two steel-string guitars, a double bass and somebody whistling. It leaves on time and does not look back.", make: Make::Piece(music::two_trains_north), genre: "folk", moods: &["driving", "hopeful", "carefree"], instruments: &["acoustic-guitar", "double-bass", "whistle", "percussion"], tags: &["road", "travel", "picking", "whistling"], price: 110, ..PLAIN },
    Entry { by: OKORO, title: "Nightshift 126", about: "Eight bars of house for the small hours: four to the floor, a bass that stays off the beat, one chord with an echo on it.", make: Make::Piece(loops::nightshift), genre: "house", moods: &["dark", "driving"], instruments: &["drum-machine", "bass", "synth"], tags: &["four to the floor", "off-beat bass", "club", "night"], price: 120, ..PLAIN },
    Entry { by: SUNNIVA, title: "Paper Boats", about: "Two marimbas pass a small tune back and forth, a flute answers, a glockenspiel agrees. Good for things that are made by hand.", make: Make::Piece(music::paper_boats), genre: "children", moods: &["playful", "happy", "quirky"], instruments: &["marimba", "glockenspiel", "flute", "ukulele"], tags: &["light", "craft", "pizzicato", "toys"], price: 100, ..PLAIN },
    Entry { by: FOLEY, title: "Door, heavy oak", about: "Latch, a hinge that complains, and the blow of a door that has been there longer than the house. In a stone hall.", make: Make::Effect(effects::oak_door), genre: "everyday", moods: &["eerie"], instruments: &["field-recording"], tags: &["door", "slam", "wood", "creak"], price: 100, ..PLAIN },
    Entry { by: INES, title: "Ledger Line", about: "A felt piano that says little and means it. The left hand walks through the chords, the right hand waits for its turn.", make: Make::Piece(music::ledger_line), genre: "classical", moods: &["reflective", "melancholic", "intimate"], instruments: &["piano", "pad"], tags: &["sparse", "felt piano", "slow", "solo"], price: 110, ..PLAIN },
    Entry { by: OKORO, title: "Signal from Harrow", about: "A pulse in sevens over a beat in fours, a tune that calls and an echo that answers. The filter opens until the drums fall out, and they come back.", make: Make::Piece(music::signal_from_harrow), genre: "electronic", moods: &["tense", "driving", "restless"], instruments: &["synth", "drum-machine", "bass"], tags: &["pulse", "chase", "sequencer", "countdown"], price: 130, ..PLAIN },
    Entry { by: FOLEY, title: "Footsteps on gravel", about: "One person in no hurry, heel and toe, fifteen steps along a drive. Every stone is its own.", make: Make::Effect(effects::footsteps_on_gravel), genre: "people", moods: &["mysterious"], instruments: &["field-recording"], tags: &["footsteps", "gravel", "walking", "outdoors"], price: 90, ..PLAIN },
    Entry { by: HALDEN, title: "Marrow", about: "A hum that never settles, a few bells, a cello that thinks better of it. For corridors and for what waits in them.", make: Make::Piece(music::marrow), genre: "ambient", moods: &["dark", "eerie", "anxious"], instruments: &["pad", "bells", "cello", "synth"], tags: &["drone", "low", "uneasy", "suspense"], price: 90, ..PLAIN },
    Entry { by: OKORO, title: "Half-time Kit 88", about: "A drum kit in a small dead room, half-time with a lean to it. Four bars; the fourth has a fill, so that it turns round by itself.", make: Make::Drums(loops::half_time_kit), genre: "hip-hop", moods: &["laid-back", "gritty"], instruments: &["drums"], tags: &["drums", "dry", "swing", "half-time"], price: 100, bits: 16, ..PLAIN },
    Entry { by: SUNNIVA, title: "First Frost", about: "Voices without words over a music box and a harp. It opens like a window in the morning and lets the cold in gently.", make: Make::Piece(music::first_frost), genre: "new-age", vocals: "choir", moods: &["hopeful", "tender", "peaceful"], instruments: &["harp", "music-box", "strings"], tags: &["choir", "winter", "snow", "morning"], price: 120, ..PLAIN },
    Entry { by: FOLEY, title: "Thunder, far", about: "It cracks beyond the hills and the hills discuss it. Ten seconds, rolling away.", make: Make::Effect(effects::thunder), genre: "weather", moods: &["dramatic", "brooding"], instruments: &["field-recording"], tags: &["thunder", "storm", "distant", "rumble"], price: 120, ..PLAIN },
    Entry { by: INES, title: "Kiosk", about: "An organ with a limp, a double bass and a clarinet that has seen the queue. Minor, but not sad about it.", make: Make::Piece(music::kiosk), genre: "jazz", moods: &["quirky", "playful", "mysterious"], instruments: &["organ", "double-bass", "clarinet", "drums"], tags: &["swing", "caper", "detective", "odd"], price: 100, ..PLAIN },
    Entry { by: OKORO, title: "Acid Line 130", about: "One bassline, four bars, a filter that opens and shuts. No drums, so that yours fit.", make: Make::Piece(loops::acid_line), genre: "techno", moods: &["hypnotic", "energetic"], instruments: &["bass", "synth"], tags: &["acid", "303", "resonance", "no drums"], price: 80, bits: 16, ..PLAIN },
    Entry { by: HALDEN, title: "Harbour Windows", about: "Nylon guitar, flute and brushes of a shaker, late in the afternoon. The chords move by half a step and nobody minds.", make: Make::Piece(music::harbour_windows), genre: "bossa-nova", moods: &["laid-back", "romantic", "warm"], instruments: &["acoustic-guitar", "flute", "double-bass", "percussion"], tags: &["nylon guitar", "cafe", "summer", "sea"], price: 110, ..PLAIN },
    Entry { by: FOLEY, title: "Wind in wires", about: "Gusts against a fence, and five wires that sing when the gusts find them. It never repeats.", make: Make::Effect(effects::wind_in_wires), genre: "weather", moods: &["eerie", "restless"], instruments: &["field-recording"], tags: &["wind", "gust", "howl", "winter"], price: 100, ..PLAIN },
    Entry { by: OKORO, title: "Slow Kettle", about: "A tired electric piano on a worn record, vibraphone on top, drums that come in when they are ready. Crackle included.", make: Make::Piece(music::slow_kettle), genre: "lo-fi", moods: &["laid-back", "nostalgic", "warm"], instruments: &["electric-piano", "vibraphone", "drums", "bass"], tags: &["study", "vinyl", "rain", "kitchen"], price: 90, bits: 16, ..PLAIN },
    Entry { by: SUNNIVA, title: "Kalimba Rain 100", about: "A kalimba in five-bar circles. Long notes below, drops above, a room around both.", make: Make::Piece(loops::kalimba_rain), genre: "world", moods: &["dreamy", "gentle"], instruments: &["kalimba"], tags: &["thumb piano", "drops", "five bars", "soft"], price: 110, ..PLAIN },
    Entry { by: SUNNIVA, title: "Glass Arcade", about: "Neon on a wet street: an arpeggio that opens, a bass in octaves, a lead that means every note. The drums wait until bar five.", make: Make::Piece(music::glass_arcade), genre: "synthwave", moods: &["nostalgic", "driving", "confident"], instruments: &["synth", "bass", "drums"], tags: &["eighties", "neon", "night drive", "arpeggio"], price: 120, ..PLAIN },
    Entry { by: FOLEY, title: "Engine, cold start", about: "The starter labours, it coughs twice, catches, and settles into an uneven idle before somebody turns it off.", make: Make::Effect(effects::engine_start), genre: "machines", moods: &["gritty"], instruments: &["field-recording"], tags: &["engine", "car", "starter", "idle"], price: 110, mono: true, ..PLAIN },
    Entry { by: OKORO, title: "Undertow Practice", about: "Drum and bass with the lights low: two saws that rub, voices far off, a break in the middle to breathe.", make: Make::Piece(music::undertow_practice), genre: "drum-and-bass", moods: &["energetic", "dark", "driving"], instruments: &["drums", "bass", "electric-piano", "pad"], tags: &["reese", "breakbeat", "fast", "sport"], price: 120, ..PLAIN },
    Entry { by: HALDEN, title: "Nylon Figure 96", about: "Four bars of nylon guitar, picked, with the thumb keeping time. Loops until you stop it.", make: Make::Piece(loops::nylon_figure), genre: "acoustic", moods: &["gentle", "warm"], instruments: &["acoustic-guitar"], tags: &["fingerpicking", "nylon", "solo guitar", "calm"], price: 90, ..PLAIN },
    Entry { by: HALDEN, title: "Lantern Tax", about: "Slow drums with dust on them, a bass that takes its time, vibraphone and strings from another film.", make: Make::Piece(music::lantern_tax), genre: "trip-hop", moods: &["mysterious", "hypnotic", "brooding"], instruments: &["drums", "bass", "vibraphone", "strings"], tags: &["noir", "downtempo", "dusty", "night"], price: 110, ..PLAIN },
    Entry { by: FOLEY, title: "Cave, slow drips", about: "Water finds its way down through rock, drop by drop, into a pool somewhere behind you. The cave answers for four seconds.", make: Make::Effect(effects::cave_drips), genre: "nature", moods: &["mysterious", "calm"], instruments: &["field-recording"], tags: &["cave", "water", "drips", "echo"], price: 100, ..PLAIN },
    Entry { by: OKORO, title: "Elbow Room", about: "Bass first, then a guitar that is mostly rhythm, then horns. Ninth chords, ghost notes and no spare beat.", make: Make::Piece(music::elbow_room), genre: "funk", moods: &["confident", "energetic", "playful"], instruments: &["bass", "electric-guitar", "brass", "electric-piano"], tags: &["horns", "groove", "clavinet feel", "seventies"], price: 120, ..PLAIN },
    Entry { by: SUNNIVA, title: "Choir Bed 70", about: "Four chords held by a choir, with more voices below. Lay it under anything and the room gets taller.", make: Make::Piece(loops::choir_bed), genre: "cinematic", vocals: "choir", moods: &["elegant", "sad"], instruments: &["pad"], tags: &["voices", "ahs", "sustained", "church"], price: 130, ..PLAIN },
    Entry { by: HALDEN, title: "Blue Hour Trio", about: "Piano, double bass and brushes after the last guest. Thirty years of the same changes, and still a surprise in the bridge.", make: Make::Piece(music::blue_hour_trio), genre: "jazz", moods: &["elegant", "intimate", "laid-back"], instruments: &["piano", "double-bass", "drums"], tags: &["swing", "walking bass", "late night", "bar"], price: 120, ..PLAIN },
    Entry { by: FOLEY, title: "Typewriter, one line", about: "Forty keys in small groups, the bell, the carriage drawn back, the stop. Someone who knows what to write.", make: Make::Effect(effects::typewriter), genre: "everyday", moods: &["nostalgic"], instruments: &["field-recording"], tags: &["typewriter", "office", "typing", "bell"], price: 90, ..PLAIN },
    Entry { by: INES, title: "A Waltz for the Stairs", about: "A small orchestra goes up in threes: clarinet, then oboe, then everyone. Plucked strings keep the steps.", make: Make::Piece(music::waltz_for_the_stairs), genre: "orchestral", moods: &["elegant", "playful", "bright"], instruments: &["orchestra", "clarinet", "oboe", "strings"], tags: &["waltz", "pizzicato", "miniature", "whimsy"], price: 140, ..PLAIN },
    Entry { by: OKORO, title: "Cut Break 172", about: "A fast break with ghosts on the snare and a ride on top. Four bars, cut to the sample.", make: Make::Drums(loops::cut_break), genre: "drum-and-bass", moods: &["energetic", "gritty"], instruments: &["drums"], tags: &["break", "jungle", "ride", "fast"], price: 100, bits: 16, ..PLAIN },
    Entry { by: SUNNIVA, title: "Counting Windows", about: "Two marimbas play the same pattern, one a beat shorter, and drift apart. Piano, vibraphone and voices hold the house together.", make: Make::Piece(music::counting_windows), genre: "minimal", moods: &["hypnotic", "bright", "reflective"], instruments: &["marimba", "vibraphone", "piano", "clarinet"], tags: &["phasing", "patterns", "data", "city"], price: 120, ..PLAIN },
    Entry { by: FOLEY, title: "Crowd, murmur in a hall", about: "Twenty-six people talk at once and none of them says a word you know. Before the lights go down.", make: Make::Effect(effects::crowd_murmur), genre: "people", moods: &["restless"], instruments: &["field-recording"], tags: &["crowd", "walla", "audience", "foyer"], price: 120, ..PLAIN },
    Entry { by: OKORO, title: "Quiet Depot", about: "Dub with the doors open: a bass that carries the building, a chord on the off-beat, echoes that take a while to leave.", make: Make::Piece(music::quiet_depot), genre: "dub", moods: &["hypnotic", "laid-back", "dark"], instruments: &["bass", "organ", "drums", "synth"], tags: &["echo", "off-beat", "sub", "space"], price: 100, ..PLAIN },
    Entry { by: INES, title: "Rhodes Turnaround 84", about: "Four chords on an electric piano with a small fill at the end of each bar, and a bass that knows where it goes next.", make: Make::Piece(loops::rhodes_turnaround), genre: "soul", moods: &["warm", "laid-back"], instruments: &["electric-piano", "bass"], tags: &["ii-v-i", "keys", "turnaround", "no drums"], price: 100, ..PLAIN },
    Entry { by: OKORO, title: "Terminal Nine", about: "Techno with one idea, an acid line, and the patience to open it slowly. The kick leaves once, so that you notice it.", make: Make::Piece(music::terminal_nine), genre: "techno", moods: &["driving", "dark", "hypnotic"], instruments: &["drum-machine", "bass", "synth"], tags: &["acid", "warehouse", "relentless", "club"], price: 120, ..PLAIN },
    Entry { by: FOLEY, title: "Birds at first light", about: "Three callers with songs of their own, left, right and close, and a little air in the leaves. No traffic for miles.", make: Make::Effect(effects::dawn_birds), genre: "nature", moods: &["peaceful", "bright"], instruments: &["field-recording"], tags: &["birds", "dawn", "forest", "spring"], price: 100, ..PLAIN },
    Entry { by: SUNNIVA, title: "Rooms Above the Sea", about: "A wide pad that brightens and dims like light on a ceiling, with bells and a harp that arrive when they like.", make: Make::Piece(music::rooms_above_the_sea), genre: "ambient", moods: &["calm", "dreamy", "peaceful"], instruments: &["pad", "bells", "harp"], tags: &["spa", "meditation", "water", "slow"], price: 90, ..PLAIN },
    Entry { by: FOLEY, title: "Camera shutter, mechanical", about: "Mirror, curtain, mirror; then the film goes on to the next frame.", make: Make::Effect(effects::camera_shutter), genre: "everyday", moods: &["confident"], instruments: &["field-recording"], tags: &["camera", "shutter", "photo", "click"], price: 70, mono: true, ..PLAIN },
    Entry { by: HALDEN, title: "Saltbox", about: "Piano house with sand in its shoes. Chords behind a door at first; then somebody opens it and the strings come in.", make: Make::Piece(music::saltbox), genre: "house", moods: &["uplifting", "happy", "energetic"], instruments: &["piano", "drum-machine", "bass", "strings"], tags: &["piano house", "summer", "build", "fashion"], price: 130, ..PLAIN },
    Entry { by: HALDEN, title: "Bass Walk 120", about: "Eight bars of double bass over a blues, with brushes and a closed hat. It comes back to where it began.", make: Make::Piece(loops::bass_walk), genre: "jazz", moods: &["confident", "playful"], instruments: &["double-bass", "drums"], tags: &["walking bass", "blues", "brushes", "upright"], price: 90, bits: 16, ..PLAIN },
    Entry { by: INES, title: "Bright Errand", about: "Muted guitar, ukulele, claps, and a tune you can whistle because someone does. It gets up early and is glad to.", make: Make::Piece(music::bright_errand), genre: "corporate", moods: &["uplifting", "happy", "bright"], instruments: &["ukulele", "glockenspiel", "claps", "piano"], tags: &["optimistic", "start-up", "whistle", "advert"], price: 120, ..PLAIN },
    Entry { by: FOLEY, title: "Train passing, horn", about: "It comes from the left, blows twice, and takes eighty metres of carriages with it. The horn falls as it goes by.", make: Make::Effect(effects::train_passing), genre: "machines", moods: &["dramatic"], instruments: &["field-recording"], tags: &["train", "doppler", "railway", "horn"], price: 130, ..PLAIN },
    Entry { by: HALDEN, title: "Kindling", about: "A slow blues in twelve bars: guitar in front, organ at the back, a shuffle that is in no hurry to get warm.", make: Make::Piece(music::kindling), genre: "blues", moods: &["warm", "nostalgic", "gritty"], instruments: &["guitar", "organ", "bass", "drums"], tags: &["twelve bars", "shuffle", "bar", "whisky"], price: 100, ..PLAIN },
    Entry { by: OKORO, title: "Arp Lattice 128", about: "Soft arpeggios in elevens and eights that meet every other bar. Eight bars, endless.", make: Make::Piece(loops::arp_lattice), genre: "trance", moods: &["dreamy", "hypnotic"], instruments: &["synth"], tags: &["arpeggio", "polymeter", "plucks", "no drums"], price: 100, ..PLAIN },
    Entry { by: FOLEY, title: "Mantel clock, half hour", about: "Eighteen ticks and tocks on a shelf, and the half hour struck in the middle of them.", make: Make::Effect(effects::mantel_clock), genre: "everyday", moods: &["nostalgic", "calm"], instruments: &["field-recording", "bells"], tags: &["clock", "ticking", "chime", "antique"], price: 80, ..PLAIN },
    Entry { by: OKORO, title: "Shaker and Rim 112", about: "A shaker, a rim, two congas that talk across the room. Lay it over a kick that is too straight.", make: Make::Drums(loops::shaker_and_rim), genre: "latin", moods: &["playful", "warm"], instruments: &["percussion"], tags: &["congas", "shaker", "clave", "top loop"], price: 80, ..PLAIN },
    Entry { by: FOLEY, title: "Whoosh, left to right", about: "Air that makes way for something fast. Two seconds, with the room it leaves behind.", make: Make::Effect(effects::whoosh), genre: "transitions", moods: &["energetic"], instruments: &["synth"], tags: &["whoosh", "swipe", "pass-by", "transition"], price: 70, ..PLAIN },
    Entry { by: OKORO, title: "Riser, eight seconds", about: "Noise, a cluster that climbs an octave, and a pulse that quickens until it stops. What comes next is yours.", make: Make::Effect(effects::riser), genre: "transitions", moods: &["tense", "epic"], instruments: &["synth"], tags: &["riser", "build", "tension", "trailer"], price: 90, ..PLAIN },
    Entry { by: FOLEY, title: "Interface clicks, five", about: "Five small clicks for five small buttons, half a second apart. Cut them where they are silent.", make: Make::Effect(effects::interface_clicks), genre: "interface", moods: &["quirky"], instruments: &["synth"], tags: &["click", "button", "app", "menu"], price: 80, mono: true, bits: 16, ..PLAIN },
    Entry { by: SUNNIVA, title: "Chime, done", about: "Three notes that say it worked, and that you may go.", make: Make::Effect(effects::chime_done), genre: "interface", moods: &["bright", "happy"], instruments: &["glockenspiel", "music-box"], tags: &["chime", "success", "notification", "app"], price: 80, ..PLAIN },
    Entry { by: FOLEY, title: "Glass, one ping", about: "A fingernail on the rim of a wine glass. Silence, please.", make: Make::Effect(effects::glass_ping), genre: "everyday", moods: &["elegant"], instruments: &["field-recording"], tags: &["glass", "ping", "toast", "crystal"], price: 70, ..PLAIN },
    Entry { by: OKORO, title: "Heavy hit, long room", about: "Three drums struck as one in a very large place. For a title, or for the end of one.", make: Make::Effect(effects::heavy_hit), genre: "trailer", moods: &["epic", "dramatic"], instruments: &["drums", "timpani"], tags: &["hit", "impact", "boom", "title"], price: 120, ..PLAIN },
];

/// How many tracks the demo synthesises.
pub const TRACKS: usize = ENTRIES.len();

/// Everyone who has an account in the demo.
pub fn people() -> &'static [Person] {
    PEOPLE
}

/// What track number `number` is; numbers go round.
pub fn spec(number: usize) -> Spec {
    let entry = &ENTRIES[number % TRACKS];
    let (kind, bpm, key) = match entry.make {
        Make::Piece(make) | Make::Drums(make) => {
            let piece = make(seed(number));
            let key = lists::key_of(piece.key.tonic as u8, piece.key.minor).slug.to_owned();
            let tuned = matches!(entry.make, Make::Piece(_));
            (if piece.is_loop { Kind::Loop } else { Kind::Music }, Some(piece.bpm), tuned.then_some(key))
        }
        Make::Effect(_) => (Kind::Effect, None, None),
    };
    let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<String>>();
    Spec {
        uploader: &PEOPLE[entry.by],
        filename: format!("{}.wav", crate::ids::Slug::from_title(entry.title)),
        description: Description {
            title: entry.title.to_owned(),
            description: entry.about.to_owned(),
            kind,
            genre: Some(entry.genre.to_owned()),
            vocals: entry.vocals.to_owned(),
            moods: owned(entry.moods),
            instruments: owned(entry.instruments),
            tags: owned(entry.tags),
            bpm,
            musical_key: key,
            voices: Some(Voices::OfAge),
            prices: prices(kind, entry.price),
        },
    }
}

/// The master of track number `number` as a WAV. Costs up to a second of a processor: not for an async thread.
pub fn wav(number: usize) -> Vec<u8> {
    let entry = &ENTRIES[number % TRACKS];
    let (rate, frames) = sound(number);
    let samples: Vec<f32> = if entry.mono {
        frames.iter().map(|f| (f[0] + f[1]) * 0.5).collect()
    } else {
        frames.iter().flatten().copied().collect()
    };
    wav::bytes(rate, if entry.mono { 1 } else { 2 }, entry.bits, &samples)
}

/// Its rate and its frames.
fn sound(number: usize) -> (u32, Vec<Frame>) {
    match ENTRIES[number % TRACKS].make {
        Make::Piece(make) | Make::Drums(make) => {
            let piece = make(seed(number));
            (piece.rate, mix::render(&piece))
        }
        Make::Effect(make) => (effects::RATE, make(seed(number))),
    }
}

fn seed(number: usize) -> u64 {
    (number % TRACKS) as u64 * 7919 + 17
}

/// Every tier a track of this kind is offered at, at so many per cent of its own price, in round figures.
pub fn prices(kind: Kind, percent: i64) -> Vec<(String, Cents)> {
    let catalogue = tier::default_catalogue();
    let offered = tier::offered_for(kind.as_str());
    let priced = catalogue.iter().filter(|t| offered.contains(&t.slug.as_str()));
    priced
        .filter_map(|tier| {
            let Cents(own) = tier.price_cents?;
            let wish = own * percent / 100;
            let step = if own < 1_000 { 50 } else { 100 };
            Some((tier.slug.clone(), Cents((wish + step / 2) / step * step)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::accounts::user::is_email;
    use crate::demo::instruments::{Drum, Voice};
    use crate::demo::score::Part;
    use crate::demo::score::melody::is_strong;
    use crate::ids::Handle;
    use crate::sales::tier::{PriceBounds, check_prices, default_catalogue};

    fn number(title: &str) -> usize {
        ENTRIES.iter().position(|e| e.title == title).unwrap()
    }

    fn piece(number: usize) -> Option<Piece> {
        match ENTRIES[number].make {
            Make::Piece(make) | Make::Drums(make) => Some(make(seed(number))),
            Make::Effect(_) => None,
        }
    }

    /// A piece cut to its first bars, so that an unoptimised build stays quick.
    fn excerpt(number: usize, bars: usize) -> Piece {
        let mut piece = piece(number).unwrap();
        piece.bars = bars.min(piece.bars);
        piece.rate = 44_100;
        piece.tail = 0.5;
        piece
    }

    #[test]
    fn every_word_of_a_track_is_in_the_shop_and_every_price_is_allowed() {
        let mut titles = BTreeSet::new();
        for n in 0..TRACKS {
            let Spec { description: d, filename, .. } = spec(n);
            assert!(titles.insert(d.title.clone()), "{} twice", d.title);
            assert!(lists::genre_name(d.genre.as_deref().unwrap()).is_some(), "{}: {:?}", d.title, d.genre);
            assert!(lists::vocals_name(&d.vocals).is_some());
            for mood in &d.moods {
                assert!(lists::mood_name(mood).is_some(), "{}: {mood}", d.title);
            }
            for instrument in &d.instruments {
                assert!(lists::instrument_name(instrument).is_some(), "{}: {instrument}", d.title);
            }
            assert!(!d.moods.is_empty() && !d.instruments.is_empty() && d.tags.len() >= 4, "{}", d.title);
            assert!(d.tags.iter().all(|t| !t.contains(',')), "{}", d.title);
            assert!((30..=400).contains(&d.description.len()) && d.description.ends_with('.'), "{}", d.title);
            assert!(!d.description.contains('!'));
            assert!(filename.ends_with(".wav") && filename.len() > 6);
            let offered = tier::offered_for(d.kind.as_str());
            assert_eq!(d.prices.iter().map(|(t, _)| t.as_str()).collect::<Vec<_>>(), offered, "{}", d.title);
            assert_eq!(check_prices(&default_catalogue(), PriceBounds::default(), "usd", &d.prices), Ok(()));
            match d.kind {
                Kind::Music => assert!(d.bpm.is_some() && d.musical_key.is_some()),
                Kind::Loop => assert!(d.bpm.is_some()),
                Kind::Effect => assert!(d.bpm.is_none() && d.musical_key.is_none()),
            }
        }
    }

    #[test]
    fn the_shop_is_varied() {
        let specs: Vec<Spec> = (0..TRACKS).map(spec).collect();
        let of = |kind| specs.iter().filter(|s| s.description.kind == kind).count();
        assert!(TRACKS >= 40 && of(Kind::Music) >= 20 && of(Kind::Loop) >= 8 && of(Kind::Effect) >= 14);
        let uploaders: BTreeSet<&str> = specs.iter().map(|s| s.uploader.handle).collect();
        assert!(uploaders.len() >= 5);
        let keys: BTreeSet<String> = specs.iter().filter_map(|s| s.description.musical_key.clone()).collect();
        assert!(keys.len() >= 12, "{keys:?}");
        assert!(keys.iter().filter(|k| k.ends_with('m')).count() >= 5);
        assert!(keys.iter().filter(|k| !k.ends_with('m')).count() >= 5);
        let tempos: BTreeSet<i64> =
            specs.iter().filter_map(|s| s.description.bpm).map(|b| b as i64).collect();
        assert!(tempos.len() >= 20 && tempos.first() == Some(&60) && tempos.last() == Some(&174));
        let genres: BTreeSet<Option<String>> = specs.iter().map(|s| s.description.genre.clone()).collect();
        assert!(genres.len() >= 24, "{}", genres.len());
    }

    #[test]
    fn everyone_has_an_address_a_handle_and_one_role_is_there_of_each() {
        let handles: BTreeSet<&str> = PEOPLE.iter().map(|p| p.handle).collect();
        assert_eq!(handles.len(), PEOPLE.len());
        for person in PEOPLE {
            assert!(is_email(person.email), "{}", person.name);
            assert_eq!(Handle::from_name(person.name).as_str(), person.handle);
            if person.role == Some(Role::Uploader) {
                assert!(!person.about.is_empty() && !person.links.is_empty());
            }
        }
        for role in [None, Some(Role::Uploader), Some(Role::Reviewer), Some(Role::Support), Some(Role::Admin)]
        {
            assert!(PEOPLE.iter().any(|p| p.role == role));
        }
    }

    #[test]
    fn lengths_are_those_of_music_and_of_whole_bars() {
        for n in 0..TRACKS {
            let Some(piece) = piece(n) else { continue };
            let secs = piece.frames() as f64 / f64::from(piece.rate);
            let (low, high) = if piece.is_loop { (4.0, 30.0) } else { (20.0, 120.0) };
            assert!((low..=high - f64::from(piece.tail) * 0.5).contains(&secs), "{n}: {secs}");
            let bars = secs * piece.bpm / 60.0 / piece.meter;
            assert!((bars - bars.round()).abs() < 1e-4);
            let covered = piece.harmony.last().map_or(0.0, |s| s.at + s.len);
            assert!(
                (covered - piece.bars as f64 * piece.meter).abs() < 1e-6,
                "{n}: harmony ends at {covered}"
            );
        }
    }

    #[test]
    fn melodies_agree_with_their_chords() {
        // Whatever has a pitch, tunes and accompaniment alike, and each part for itself.
        let sings = |part: &&Part| !matches!(part.voice, Voice::Drum(_));
        let mut pieces = 0;
        for n in 0..TRACKS {
            let Some(piece) = piece(n).filter(|p| !p.is_loop) else { continue };
            let mut most = 0;
            for part in piece.parts.iter().filter(sings) {
                let (mut strong, mut fits) = (0, 0);
                for note in part.notes.iter().filter(|n| is_strong(n.at, n.len / 0.96)) {
                    strong += 1;
                    fits += usize::from(piece.chord_at(note.at).holds(note.pitch as i32));
                }
                let voice = part.voice;
                assert!(fits as f64 >= 0.85 * strong as f64, "{n}: {fits} of {strong} by {voice:?}");
                most = most.max(strong);
            }
            assert!(most > 5, "{n}");
            pieces += 1;
        }
        assert!(pieces >= 20);
    }

    #[test]
    fn a_melody_stays_in_a_voice_and_drums_do_not_wander() {
        for n in 0..TRACKS {
            let Some(piece) = piece(n) else { continue };
            let end = piece.bars as f64 * piece.meter;
            for part in &piece.parts {
                assert!(!part.notes.is_empty(), "{n}: a part with nothing to play");
                for note in &part.notes {
                    assert!(note.at < end + 1e-6 && note.len > 0.0 && note.force > 0.0, "{n}: {note:?}");
                    let (low, high) = match part.voice {
                        Voice::Drum(Drum::Timpani | Drum::Tom | Drum::Conga) => (40.0, 72.0),
                        Voice::Drum(_) => (60.0, 60.0),
                        _ => (24.0, 105.0),
                    };
                    assert!((low..=high).contains(&note.pitch), "{n}: {:?} plays {}", part.voice, note.pitch);
                }
            }
        }
    }

    #[test]
    fn the_same_number_gives_the_same_bytes_and_another_gives_others() {
        let click = number("Interface clicks, five");
        assert_eq!(wav(click), wav(click));
        assert_ne!(wav(click), wav(number("Glass, one ping")));
        let bar = excerpt(number("Kiosk"), 1);
        assert_eq!(mix::render(&bar), mix::render(&bar));
    }

    #[test]
    fn what_is_rendered_is_level_and_never_silent_for_long() {
        let n = number("Paper Boats");
        let piece = excerpt(n, 4);
        check_level(44_100, &mix::render(&piece), true);
        check_level(effects::RATE, &effects::whoosh(1), false);
        check_level(effects::RATE, &effects::glass_ping(1), false);
    }

    fn check_level(rate: u32, frames: &[Frame], loud: bool) {
        let peak = frames.iter().flatten().fold(0f32, |m, v| m.max(v.abs()));
        assert!(peak < 0.891 && peak > 0.1, "peak {peak}");
        for side in 0..2 {
            let mean = frames.iter().map(|f| f64::from(f[side])).sum::<f64>() / frames.len() as f64;
            assert!(mean.abs() < 0.003, "offset {mean}");
        }
        for stretch in frames.chunks_exact(2 * rate as usize) {
            let power: f32 = stretch.iter().map(|f| f[0] * f[0] + f[1] * f[1]).sum::<f32>();
            assert!((power / stretch.len() as f32).sqrt() > 3e-4, "two seconds of silence");
        }
        if loud {
            let lufs = mix::loudness(rate as f32, frames);
            assert!((-21.0..=-12.0).contains(&lufs), "{lufs} LUFS");
        }
    }

    #[test]
    fn a_loop_closes_without_a_seam() {
        let mut piece = piece(number("Shaker and Rim 112")).unwrap();
        piece.bars = 1;
        let frames = mix::render(&piece);
        assert_eq!(frames.len(), piece.frames());
        let step = |a: Frame, b: Frame| (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
        let steps: Vec<f32> = frames.windows(2).map(|w| step(w[0], w[1])).collect();
        let most = steps.iter().fold(0f32, |m, v| m.max(*v));
        let seam = step(frames[frames.len() - 1], frames[0]);
        // The first beat begins at the seam: its onset may be as steep as any other onset, not steeper.
        assert!(seam <= most, "{seam} against {most}");
        let quiet = piece.parts.iter().all(|p| p.notes.iter().all(|n| n.at >= 0.0));
        assert!(quiet);
    }

    #[test]
    fn a_held_loop_goes_on_over_its_seam() {
        let mut piece = piece(number("Choir Bed 70")).unwrap();
        piece.bars = 1;
        piece.bpm = 120.0;
        piece.rate = 16_000;
        let frames = mix::render(&piece);
        let step = |a: Frame, b: Frame| (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
        let mut steps: Vec<f32> = frames.windows(2).map(|w| step(w[0], w[1])).collect();
        steps.sort_by(f32::total_cmp);
        let usual = steps[steps.len() * 999 / 1000];
        let seam = step(frames[frames.len() - 1], frames[0]);
        assert!(seam <= usual, "{seam} against {usual}");
    }

    #[test]
    fn sections_differ_in_how_much_happens() {
        for n in 0..TRACKS {
            let Some(piece) = piece(n).filter(|p| !p.is_loop) else { continue };
            let bars = piece.bars;
            let busy: Vec<f64> = (0..bars)
                .map(|bar| {
                    let (from, to) = (bar as f64 * piece.meter, (bar + 1) as f64 * piece.meter);
                    let notes = piece.parts.iter().flat_map(|p| &p.notes);
                    notes
                        .filter(|n| n.at < to && n.at + n.len > from)
                        .map(|n| f64::from(n.force) * n.len.min(piece.meter))
                        .sum()
                })
                .collect();
            let fullest = busy.iter().copied().fold(0.0, f64::max);
            let start = busy[0].max(0.01);
            assert!(fullest > 1.3 * start, "{n}: {start} to {fullest}");
        }
    }
}
