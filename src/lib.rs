#![allow(async_fn_in_trait)]
pub mod cloud;
pub mod kinds;
pub mod spec;
pub mod value;
