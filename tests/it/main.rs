//! What a visitor, an operator or another machine can see of Cuehouse, in one binary.

// Actors have verbs that no test of today uses.
#[allow(dead_code)]
mod support;

mod accessible;
mod accounts;
mod ads;
mod age;
mod audio;
mod banner;
mod browser;
mod bytes;
mod catalogue;
mod cluster;
mod commands;
mod consent_log;
mod crash;
mod damaged;
mod database;
mod demo;
mod disclosures;
mod egress;
mod frames;
mod guardians;
mod jars;
mod journey;
mod letters;
mod navigations;
mod once;
mod player;
mod privacy;
mod privacy_browsers;
mod privacy_cookies;
mod privacy_policies;
mod privacy_signals;
mod privacy_words;
mod probes;
mod refusers;
mod requirements;
mod retention;
mod review;
mod sales;
mod sandbox;
mod screen;
mod search;
mod security;
mod selfcheck;
mod storage;
mod strings;
mod studio;
mod trackers;
mod trade;
mod upkeep;
mod web;
mod whereabouts;
mod window;
