//! `dayfly-job` as it is built: the keeper behind the executor, and the tool by itself.

mod engine;
mod kept;
mod tool;
