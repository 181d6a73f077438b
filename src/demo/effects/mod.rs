//! Sound effects from nothing: weather, doors, machines, creatures, clicks. Each is a few seconds of physics, roughly,
//! put on a `stage`.

mod everyday;
mod machines;
mod outdoors;
mod people;
mod screen;
mod stage;

pub use everyday::{camera_shutter, glass_ping, mantel_clock, oak_door, typewriter};
pub use machines::{engine_start, train_passing};
pub use outdoors::{cave_drips, dawn_birds, rain_on_tin, thunder, wind_in_wires};
pub use people::{crowd_murmur, footsteps_on_gravel};
pub use screen::{chime_done, heavy_hit, interface_clicks, riser, whoosh};

/// All effects are made at this rate.
pub const RATE: u32 = 48_000;
