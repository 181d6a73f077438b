//! What a visitor, an operator or another machine can see of Cuehouse, in one binary.

mod support;

mod audio;
mod bytes;
mod database;
mod sales;
mod storage;
