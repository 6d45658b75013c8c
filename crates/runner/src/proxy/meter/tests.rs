use super::*;
use crate::proxy::{ProxyBudget, Spent};

/// What an answer cost, however it is cut into parts; with so many bytes of a request before it.
fn cost(protocol: Protocol, form: Form, sent: u64, answer: &str) -> Spent {
    let all = [1, 3, 64, answer.len().max(1)].map(|size| {
        let (book, state) = Book::open(ProxyBudget::default(), Spent::default());
        let mut meter = Meter::new(book, protocol, Costs::Something, Arc::new(AtomicU64::new(sent)));
        meter.answered(form);
        answer.as_bytes().chunks(size).for_each(|part| meter.push(part));
        drop(meter);
        state.borrow().spent
    });
    assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
    all[0]
}

fn spent(input: u64, cache_read: u64, cache_write: u64, output: u64) -> Spent {
    Spent { input, cache_read, cache_write, output, ..Spent::default() }
}

#[test]
fn anthropics_stream_is_charged_by_its_last_record() {
    let stream = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":4,"cache_read_input_tokens":100,"output_tokens":1}}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\"usage\":{\"output_tokens\":999}"}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":15}}

event: message_stop
data: {"type":"message_stop"}

"#;
    assert_eq!(cost(Protocol::Anthropic, Form::Events, 9999, stream), spent(25, 100, 4, 15));
    assert_eq!(cost(Protocol::Anthropic, Form::Events, 9999, &stream.replace('\n', "\r\n")), spent(25, 100, 4, 15));
}

#[test]
fn openais_streams_are_charged_by_the_one_record_at_their_end() {
    let responses = r#"event: response.created
data: {"type":"response.created","response":{"id":"r","model":"gpt-x","usage":null}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","delta":"{\"usage\":{\"input_tokens\":5}}"}

event: response.completed
data: {"type":"response.completed","response":{"id":"r","model":"gpt-x","output":[{"content":[{"usage":{"input_tokens":7}}]}],"usage":{"input_tokens":50,"input_tokens_details":{"cached_tokens":20},"output_tokens":8,"total_tokens":58}}}

"#;
    assert_eq!(cost(Protocol::OpenAi, Form::Events, 9999, responses), spent(30, 20, 0, 8));
    let chat = r#"data: {"id":"c","model":"gpt-x","choices":[{"delta":{"content":"hi"}}],"usage":null}

data: {"id":"c","model":"gpt-x","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}

data: [DONE]

"#;
    assert_eq!(cost(Protocol::OpenAi, Form::Events, 9999, chat), spent(9, 0, 0, 3));
}

#[test]
fn geminis_stream_is_charged_by_its_last_record_as_events_and_as_one_array() {
    let one = r#"{"candidates":[{"content":{"parts":[{"text":"h"}]}}],"usageMetadata":{"promptTokenCount":6,"candidatesTokenCount":1},"modelVersion":"gemini-x"}"#;
    let two =
        r#"{"candidates":[],"usageMetadata":{"promptTokenCount":6,"candidatesTokenCount":11,"thoughtsTokenCount":4}}"#;
    let events = format!("data: {one}\r\n\r\ndata: {two}\r\n\r\n");
    assert_eq!(cost(Protocol::Gemini, Form::Events, 9999, &events), spent(6, 0, 0, 15));
    assert_eq!(cost(Protocol::Gemini, Form::Whole, 9999, &format!("[{one},\n{two}]")), spent(6, 0, 0, 15));
}

#[test]
fn whole_answers_are_charged_by_their_record() {
    let anthropic =
        r#"{"model":"m","content":[{"type":"text","text":"x"}],"usage":{"input_tokens":3,"output_tokens":4}}"#;
    assert_eq!(cost(Protocol::Anthropic, Form::Whole, 9999, anthropic), spent(3, 0, 0, 4));
    let long = format!(r#"{{"output":"{}","usage":{{"input_tokens":3,"output_tokens":4}}}}"#, "x".repeat(200_000));
    assert_eq!(cost(Protocol::OpenAi, Form::Whole, 9999, &long), spent(3, 0, 0, 4));
}

#[test]
fn what_is_not_said_is_estimated_and_what_was_said_is_not_charged_twice() {
    assert_eq!(cost(Protocol::OpenAi, Form::Whole, 400, &"x".repeat(80)).estimated, 120);
    let cut = "data: {\"message\":{\"usage\":{\"input_tokens\":90,\"output_tokens\":1}}}\n\ndata: ".to_owned()
        + &"x".repeat(90);
    let spent = cost(Protocol::Anthropic, Form::Events, 400, &cut);
    assert_eq!((spent.input, spent.output, spent.tokens()), (90, 1, 100 + cut.len() as u64 / 8));
}
