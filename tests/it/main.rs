//! What a visitor, an operator or another machine can see of Cuehouse, in one binary.

// Actors have verbs that no test of today uses.
#[allow(dead_code)]
mod support;

mod audio;
mod bytes;
mod database;
mod requirements;
mod sales;
mod sandbox;
mod storage;
mod upkeep;
mod web;
