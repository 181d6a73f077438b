//! The people and places of the tests.

pub mod app;
pub mod browser;
pub mod carrier;
pub mod choices;
pub mod chromium;
pub mod database;
pub mod folder;
pub mod launch;
pub mod paper;
pub mod park;
pub mod process;
pub mod provider;
pub mod proxy;
pub mod s3;
pub mod sandbox;
pub mod shelf;
pub mod shop;
pub mod sound;
pub mod tools;
pub mod wards;
pub mod wavs;
