# Everything that must hold before a change lands.
check:
    .ci/run

# All tests.
test:
    cargo test --workspace --locked

# Form, lints and the rules of this repository.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo xtask tidy

# The API's documentation, with warnings as errors.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --lib --bins --examples

# The program, in target/release.
release:
    cargo build --release --locked
