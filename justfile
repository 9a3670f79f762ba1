# `just check` is exactly what CI runs.

# Format, lint, test, document, and look at the dependencies.
check: format lint test document dependencies

# The whole test suite; needs nothing but Rust.
test:
    cargo test --locked --workspace

format:
    cargo fmt --all --check

lint:
    cargo clippy --locked --workspace --all-targets -- --deny warnings

document:
    RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --document-private-items

# Licences, bans and sources; advisories too, where the database can be fetched.
dependencies:
    cargo deny --locked check bans licenses sources

# The demo.
run *arguments:
    cargo run --locked -- {{arguments}}
