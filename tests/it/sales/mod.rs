//! The till: what a basket holds, what an order freezes, what Stripe's words make true, and the proof of it.

mod basket;
mod currency;
mod editions;
pub mod http;
mod inbox;
mod invoice;
mod proof;
mod till;
