//! Ticket sinks against the fakes of their CRMs: one ticket with the whole conversation, whatever fails.
//!
//! A sink is given events as the processor does, and the time as a value: what asks for a pause gets it
//! at once.

mod crms {
    mod events;
    mod failures;
    mod limits;
    mod one_ticket;
    mod opened;
    mod people;
    mod scene;
    mod texts;
    mod transcripts;
}
