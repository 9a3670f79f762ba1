//! Whatever completes, no CRM is sent more than it takes, or an address or a tag that it refuses.

use fastrand::Rng;
use haptik_bridge_sinks::Delivered;
use haptik_bridge_tests::random_completion::{completion, text};

use super::scene::{Kind, Scene};

/// How many completions each CRM gets.
const COMPLETIONS: u64 = 1_000;

async fn sends_what_is_taken(kind: Kind) -> anyhow::Result<()> {
    let place = Kind::ALL.iter().position(|one| *one == kind);
    let seed = place.expect("it is one of all") as u64 + 1;
    let tags = if kind == Kind::Jira {
        "labels = true\n"
    } else {
        ""
    };
    let lines = format!(
        "{tags}tags = ['haptik', '{{{{ closing_categories.reason }}}}', '{{{{ user.name }}}}', ',', ' ']"
    );
    let scene = Scene::with(kind, &lines).await?;
    for number in 0..COMPLETIONS {
        let mut random = Rng::with_seed(seed * 10_000 + number);
        let longest = if random.u8(0..20) == 0 { 60 } else { 6 };
        let said: Vec<String> = (0..random.usize(0..longest))
            .map(|_| text(&mut random))
            .collect();
        let said: Vec<_> = said.iter().map(|text| ("user", text.as_str())).collect();
        scene.was_said(&said);
        let event = completion(&mut random, number);
        let mut tries = 0;
        loop {
            match scene.attempt(&event, false).await {
                Ok(Delivered::Ticket(_)) => break,
                // An empty transcript is waited for; here it is all there is.
                Ok(Delivered::Later(..)) if tries < 3 && said.is_empty() => {
                    tries += 1;
                    scene.was_said(&[("user", "hi")]);
                }
                other => panic!(
                    "{kind:?}, completion {number}: {other:?}\n{:#?}",
                    scene.crm.calls().last()
                ),
            }
        }
    }
    assert_eq!(scene.crm.tickets().len() as u64, COMPLETIONS, "{kind:?}");
    assert_eq!(scene.crm.ignored(), Vec::<String>::new(), "{kind:?}");
    Ok(())
}

/// A test for each, so that they run side by side.
macro_rules! no_completion_makes_a_request_that_is_refused {
    ($($crm:ident: $kind:ident;)*) => {
        mod no_completion_makes_a_request_that_is_refused_by {
            $(
                #[tokio::test]
                async fn $crm() -> anyhow::Result<()> {
                    super::sends_what_is_taken(super::Kind::$kind).await
                }
            )*
        }
    };
}

haptik_bridge_tests::each_crm!(no_completion_makes_a_request_that_is_refused);
