//! The people and places of the tests.

pub mod database;
pub mod folder;
pub mod s3;
pub mod shop;
