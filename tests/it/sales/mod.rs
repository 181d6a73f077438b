//! The till: what a basket holds, what an order freezes, what Stripe's words make true, and the proof of it.

mod basket;
mod http;
mod inbox;
mod proof;
mod till;
