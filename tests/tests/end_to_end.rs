//! The bridge end to end: requests in at the edges, answers out at a fake Slack, an application and a
//! simulated Haptik.

#[path = "end_to_end/account.rs"]
mod account;
#[path = "end_to_end/agent.rs"]
mod agent;
#[path = "end_to_end/as_it_is.rs"]
mod as_it_is;
#[path = "end_to_end/conversation.rs"]
mod conversation;
#[path = "end_to_end/custom.rs"]
mod custom;
#[path = "end_to_end/edges.rs"]
mod edges;
#[path = "end_to_end/faults.rs"]
mod faults;
#[path = "end_to_end/fill.rs"]
mod fill;
#[path = "end_to_end/handoff.rs"]
mod handoff;
#[path = "end_to_end/handoff_transcript.rs"]
mod handoff_transcript;
#[path = "end_to_end/hostile.rs"]
mod hostile;
#[path = "end_to_end/identity.rs"]
mod identity;
#[path = "end_to_end/later.rs"]
mod later;
#[path = "end_to_end/masking.rs"]
mod masking;
#[path = "end_to_end/order.rs"]
mod order;
#[path = "end_to_end/outage.rs"]
mod outage;
#[path = "end_to_end/rates.rs"]
mod rates;
#[path = "end_to_end/reading.rs"]
mod reading;
#[path = "end_to_end/receipts.rs"]
mod receipts;
#[path = "end_to_end/sinks.rs"]
mod sinks;
#[path = "end_to_end/slack.rs"]
mod slack;
#[path = "end_to_end/slack_beside.rs"]
mod slack_beside;
#[path = "end_to_end/slack_files.rs"]
mod slack_files;
#[path = "end_to_end/slack_forms.rs"]
mod slack_forms;
#[path = "end_to_end/slack_install.rs"]
mod slack_install;
#[path = "end_to_end/slack_pace.rs"]
mod slack_pace;
#[path = "end_to_end/slack_workspaces.rs"]
mod slack_workspaces;
#[path = "end_to_end/tickets.rs"]
mod tickets;
