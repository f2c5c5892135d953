//! Tests that run the program.

mod accounts;
mod auth;
mod backfill;
mod backtest;
mod bench;
mod burst;
mod commands;
mod consumer;
mod decisions;
mod demo;
mod desk;
mod doctor;
mod driver;
mod endpoints;
mod faults;
mod feed;
mod foreign;
#[cfg(feature = "foreign")]
mod foreign_servers;
mod full_disk;
mod history;
mod load;
mod log;
mod odd;
mod operating;
mod recording;
mod replay;
mod run;
mod slow;
mod status;
mod store;
mod tape;
mod universe;
