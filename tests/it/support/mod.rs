//! The people and places of the tests.

pub mod folder;
pub mod s3;
