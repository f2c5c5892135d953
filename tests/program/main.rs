//! Tests that run the program.

mod accounts;
mod auth;
mod burst;
mod commands;
mod consumer;
mod decisions;
mod demo;
mod desk;
mod driver;
mod feed;
mod foreign;
mod history;
mod load;
mod odd;
mod replay;
mod run;
mod slow;
mod status;
