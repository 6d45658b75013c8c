//! Each trap that a text can be.

mod any_text;
mod harmless;
mod said;
mod shown;
