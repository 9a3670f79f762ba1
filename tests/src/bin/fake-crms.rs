//! The fake CRMs in a process of their own, for `tests/crm`. Prints where they are, and the credentials
//! that they take, as one line of JSON, and runs until its standard input ends.

#![expect(clippy::print_stdout, reason = "it says where they listen")]

use haptik_bridge_tests::fake_crm::Kind;
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt as _;

#[tokio::main]
async fn main() {
    let (mut running, mut all) = (Vec::new(), Map::new());
    for kind in Kind::ALL {
        let crm = kind.start().await;
        let mut told = kind.credentials();
        told["url"] = json!(crm.base_url());
        all.insert(kind.name().to_owned(), told);
        running.push(crm);
    }
    println!("{}", Value::Object(all));
    // An input that cannot be read has ended too.
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
}
