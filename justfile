# `just check` is exactly what CI runs.

# Format, lints, documentation, dependencies, tests, fuzzing, and the deployed stack.
check:
    .ci/run

# The whole test suite; needs nothing but Rust.
test:
    cargo test --locked --workspace

# The scenarios that every channel passes; `just contract slack` is one channel's.
contract channel="":
    cargo test --locked -p haptik-bridge-tests --test contract {{channel}}

format:
    cargo fmt --all --check

lint:
    cargo clippy --locked --workspace --all-targets -- --deny warnings

document:
    RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --document-private-items

# Licences, bans and sources; advisories too, where the database can be fetched.
dependencies:
    cargo deny --locked check bans licenses sources

# Every parser for so many seconds, on what libFuzzer makes up.
fuzz seconds="10" *targets:
    fuzz/run {{seconds}} {{targets}}

# The demo.
run *arguments:
    cargo run --locked -- {{arguments}}

# Holds docs/openapi.yaml against the bridge with a property-based tester.
openapi *arguments:
    tests/openapi/run {{arguments}}

# Tries the demo's page in Chromium.
browser *arguments:
    tests/browser/run {{arguments}}

# Builds the stack and deploys it onto an emulator of AWS on this machine, and tests it there.
deployed *arguments:
    tests/deployed/run {{arguments}}

# Lints scripts, the Dockerfile and the workflows.
lint-others:
    tests/lint/run

# Makes the folder of a release; see scripts/release.
release *arguments:
    scripts/release {{arguments}}

# The first deployment asks for everything; `just deploy --config-env prod` is another stage.
deploy *arguments:
    sam build
    sam deploy {{arguments}}

# Checks a configuration and puts it into a stack's secret.
put-config *arguments:
    scripts/put-config {{arguments}}

# Follows the logs of a stack.
logs *arguments:
    scripts/tail-logs {{arguments}}

# Sees whether a stack answers.
smoke *arguments:
    scripts/smoke {{arguments}}
