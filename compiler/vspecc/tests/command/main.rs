//! The program as a user starts it: real processes, real files, exit statuses.

mod check;
mod clauses;
mod data;
mod detection;
mod device;
mod fusion;
mod init;
mod mistakes;
mod new;
mod optimize;
mod passes;
mod plot;
mod predict;
mod profile;
mod resume;
mod rules;
mod scene;
mod sequences;
mod settings;
mod variants;
