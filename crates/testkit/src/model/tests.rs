use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ModelServer, Scenario, Step};

const MESSAGES: &str = "/v1/messages";
const RESPONSES: &str = "/v1/responses";
const CHAT: &str = "/v1/chat/completions";
const GEMINI: &str = "/v1beta/models/gemini-x:generateContent";
const GEMINI_STREAM: &str = "/v1beta/models/gemini-x:streamGenerateContent?alt=sse";

/// Sends a request, and leaves the answer to be read.
fn send(server: &ModelServer, path: &str, headers: &str, body: &Value) -> TcpStream {
    let address = server.base_url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let body = body.to_string();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}");
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    stream
}

/// What comes until the end of the connection, however it ends.
fn rest(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    // A reset is an end too; what was read before it stays.
    let _ = stream.read_to_end(&mut all);
    String::from_utf8(all).unwrap()
}

fn ask(server: &ModelServer, path: &str, body: &Value) -> String {
    rest(send(server, path, "", body))
}

/// The status, and the body as JSON.
fn told(server: &ModelServer, path: &str, body: &Value) -> (u16, Value) {
    let answer = ask(server, path, body);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|err| panic!("{err}: {answer}")))
}

fn function(name: &str, properties: &Value, required: &Value) -> Value {
    json!({"type": "object", "name": name, "properties": properties, "required": required})
}

#[test]
fn every_protocol_answers_whole_and_as_a_stream() {
    let server = ModelServer::start(Scenario::answer("hello there"));
    let whole = |path: &str| told(&server, path, &json!({"model": "m"})).1;
    assert_eq!(whole(MESSAGES)["content"][0]["text"], "hello there");
    assert_eq!(whole(RESPONSES)["output"][0]["content"][0]["text"], "hello there");
    assert_eq!(whole(CHAT)["choices"][0]["message"]["content"], "hello there");
    assert_eq!(whole(GEMINI)["candidates"][0]["content"]["parts"][0]["text"], "hello there");
    assert_eq!(whole(GEMINI)["modelVersion"], "gemini-x");
    let streamed = |path: &str, last: &str| {
        let answer = ask(&server, path, &json!({"model": "m", "stream": true}));
        assert!(answer.contains("text/event-stream") && answer.contains("there"), "{answer}");
        assert!(answer.contains(last) && answer.ends_with("0\r\n\r\n"), "{path} has no end: {answer}");
    };
    streamed(MESSAGES, "event: message_stop\n");
    streamed(RESPONSES, "event: response.completed\n");
    streamed(CHAT, "data: [DONE]\n");
    streamed(GEMINI_STREAM, "\"finishReason\":\"STOP\"");
    // Without `alt=sse` a stream of Gemini's is one array.
    let array = ask(&server, "/v1beta/models/m:streamGenerateContent", &json!({}));
    assert!(array.contains("\r\n[{") && array.ends_with("}]"), "{array}");
}

#[test]
fn a_shell_is_called_by_the_tool_that_the_request_offers() {
    let server = ModelServer::start(Scenario::shell("make all"));
    let text = json!({"type": "string"});
    let schema = function("Bash", &json!({"command": text, "description": text}), &json!(["command", "description"]));
    let tools = json!([{"name": "Read", "input_schema": {}}, {"name": "Bash", "input_schema": schema}]);
    let block = &told(&server, MESSAGES, &json!({ "tools": tools })).1["content"][0];
    let input = json!({"command": "make all", "description": "what the script says"});
    assert_eq!((&block["name"], &block["input"]), (&json!("Bash"), &input));
    // The second request gets the second step.
    assert_eq!(told(&server, MESSAGES, &json!({ "tools": tools })).1["stop_reason"], "end_turn");

    let server = ModelServer::start(Scenario::always(Step::shell("make all")));
    let schema = function("shell", &json!({"command": {"type": "array"}}), &json!(["command"]));
    let tools = json!([{"type": "function", "name": "shell", "parameters": schema}]);
    let item = &told(&server, RESPONSES, &json!({ "tools": tools })).1["output"][0];
    assert_eq!(item["arguments"], r#"{"command":["sh","-c","make all"]}"#);
    let tools = json!([{"type": "function", "function": {"name": "bash", "parameters": schema}}]);
    let message = &told(&server, CHAT, &json!({ "tools": tools })).1["choices"][0]["message"];
    assert_eq!(message["tool_calls"][0]["function"]["name"], "bash");
    let schema = function("run_shell_command", &json!({"command": {"type": "STRING"}}), &json!(["command"]));
    let tools = json!([{"functionDeclarations": [{"name": "run_shell_command", "parametersJsonSchema": schema}]}]);
    let part = &told(&server, GEMINI, &json!({ "tools": tools })).1["candidates"][0]["content"]["parts"][0];
    assert_eq!(part["functionCall"]["args"], json!({"command": "make all"}));
}

#[test]
fn a_file_is_written_by_an_editor_a_patch_or_a_shell() {
    let server = ModelServer::start(Scenario::always(Step::edit("a.txt", "one\ntwo\n")));
    let text = json!({"type": "string"});
    let schema = function("Write", &json!({"file_path": text, "content": text}), &json!(["file_path"]));
    let tools = json!([{"name": "Write", "input_schema": schema}]);
    let block = &told(&server, MESSAGES, &json!({ "tools": tools })).1["content"][0];
    assert_eq!(block["input"], json!({"file_path": "a.txt", "content": "one\ntwo\n"}));
    let shell = json!({"type": "function", "name": "exec_command", "parameters": {"properties": {"cmd": text}}});
    let tools = json!([shell, {"type": "custom", "name": "apply_patch"}]);
    let item = &told(&server, RESPONSES, &json!({ "tools": tools })).1["output"][0];
    assert_eq!(item["type"], "custom_tool_call");
    assert_eq!(item["input"], "*** Begin Patch\n*** Add File: a.txt\n+one\n+two\n*** End Patch\n");
    let item = &told(&server, RESPONSES, &json!({ "tools": [shell] })).1["output"][0];
    assert_eq!(item["arguments"], r#"{"cmd":"printf %s 'one\ntwo\n' > 'a.txt'"}"#);
}

#[test]
fn a_structured_answer_goes_by_its_tool_or_as_text() {
    let server = ModelServer::start(Scenario::always(Step::Structured(json!({"verdict": "pass"}))));
    let tools = json!([{"name": "StructuredOutput", "input_schema": {}}]);
    let block = &told(&server, MESSAGES, &json!({ "tools": tools })).1["content"][0];
    assert_eq!(block["input"], json!({"verdict": "pass"}));
    let whole = told(&server, CHAT, &json!({})).1;
    assert_eq!(whole["choices"][0]["message"]["content"], r#"{"verdict":"pass"}"#);
}

#[test]
fn requests_without_tools_use_up_no_step_of_the_work() {
    let server = ModelServer::start(Scenario::of([Step::answer("first"), Step::answer("second")]));
    let said = |body: Value| told(&server, MESSAGES, &body).1["content"][0]["text"].clone();
    let work = || said(json!({"tools": [{"name": "Read"}]}));
    let side = || said(json!({}));
    assert_eq!([side(), work(), side(), work(), work()], ["first", "first", "second", "second", "second"]);
    let asked = told(&server, "/v1/messages/count_tokens", &json!({}));
    assert_eq!((asked, server.model_requests().len()), ((200, json!({"input_tokens": 1200})), 5));
    assert_eq!(told(&server, "/v1/files", &json!({})).0, 404);
}

#[test]
fn limits_are_told_as_each_vendor_tells_them() {
    let resets_at: Timestamp = "2040-01-02T03:04:05Z".parse().unwrap();
    let server = ModelServer::start(Scenario::always(Step::UsageLimit { resets_at }));
    let answer = ask(&server, MESSAGES, &json!({}));
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("rate_limit_error"), "{answer}");
    assert!(answer.contains(&format!("anthropic-ratelimit-unified-reset: {}\r\n", resets_at.as_second())), "{answer}");
    let (status, body) = told(&server, RESPONSES, &json!({}));
    assert_eq!((status, &body["error"]["resets_at"]), (429, &json!(resets_at.as_second())));
    let (status, body) = told(&server, GEMINI, &json!({}));
    let details = &body["error"]["details"];
    assert_eq!((status, &body["error"]["status"]), (429, &json!("RESOURCE_EXHAUSTED")));
    assert!(details[0]["violations"][0]["quotaId"].as_str().unwrap().contains("PerDay"), "{body}");
    assert!(details[1]["retryDelay"].as_str().unwrap().ends_with('s'), "{body}");

    let server = ModelServer::start(Scenario::always(Step::RateLimited { retry_after: Some(7) }));
    assert!(ask(&server, CHAT, &json!({})).contains("\r\nretry-after: 7\r\n"));
    assert_eq!(told(&server, GEMINI, &json!({})).1["error"]["details"][1]["retryDelay"], "7s");
    let server = ModelServer::start(Scenario::always(Step::RateLimited { retry_after: None }));
    assert!(!ask(&server, MESSAGES, &json!({})).contains("retry-after"));
}

#[test]
fn failures_have_the_status_and_the_form_of_the_vendor() {
    let of = |step: Step, path: &str| told(&ModelServer::start(Scenario::always(step)), path, &json!({}));
    let (status, body) = of(Step::Overloaded, MESSAGES);
    assert_eq!((status, &body["error"]["type"]), (529, &json!("overloaded_error")));
    assert_eq!(of(Step::Overloaded, GEMINI).0, 503);
    let (status, body) = of(Step::Unauthorised, RESPONSES);
    assert_eq!((status, &body["error"]["code"]), (401, &json!("invalid_api_key")));
    let (status, body) = of(Step::ForbiddenQuota, CHAT);
    assert_eq!((status, &body["error"]["code"]), (403, &json!("insufficient_quota")));
    let (status, body) = of(Step::PromptTooLong, MESSAGES);
    assert!(status == 400 && body["error"]["message"].as_str().unwrap().starts_with("prompt is too long"), "{body}");
    assert_eq!(of(Step::NoSuchModel, GEMINI).1["error"]["status"], "NOT_FOUND");
    assert_eq!(of(Step::status(500), MESSAGES).1["error"]["type"], "api_error");
    let page = Step::Status { code: 502, body: Some("<html>".into()), retry_after: None };
    let answer = ask(&ModelServer::start(Scenario::always(page)), MESSAGES, &json!({}));
    assert!(answer.starts_with("HTTP/1.1 502") && answer.contains("text/html"), "{answer}");
    assert_eq!(of(Step::Refusal, MESSAGES).1["stop_reason"], "refusal");
    assert_eq!(of(Step::MaxTokens, GEMINI).1["candidates"][0]["finishReason"], "MAX_TOKENS");
    let server = ModelServer::start(Scenario::always(Step::StreamError));
    for (path, sign) in [(MESSAGES, "overloaded_error"), (RESPONSES, "server_is_overloaded"), (GEMINI_STREAM, "503")] {
        let answer = ask(&server, path, &json!({"stream": true}));
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(sign), "{answer}");
    }
    assert_eq!(told(&server, MESSAGES, &json!({})).0, 529);
    let answer = ask(&ModelServer::start(Scenario::always(Step::Html)), CHAT, &json!({}));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("<!DOCTYPE html>"), "{answer}");
}

#[test]
fn some_failures_come_first_and_then_it_goes_well() {
    let server = ModelServer::start(Scenario::answer("well").after(2, &Step::status(503)));
    let status = || told(&server, MESSAGES, &json!({})).0;
    assert_eq!([status(), status(), status(), status()], [503, 503, 200, 200]);
}

#[test]
fn what_is_cut_has_no_head_or_no_end() {
    let server = ModelServer::start(Scenario::always(Step::CutBeforeHead));
    assert_eq!(ask(&server, MESSAGES, &json!({})), "");
    let server = ModelServer::start(Scenario::always(Step::CutInStream));
    for (path, begun) in [(MESSAGES, "message_start"), (RESPONSES, "response.created"), (CHAT, "chunk")] {
        let answer = ask(&server, path, &json!({"stream": true}));
        assert!(answer.contains(begun) && !answer.ends_with("0\r\n\r\n"), "{answer}");
        assert!(!answer.contains("message_stop") && !answer.contains("[DONE]"), "{answer}");
    }
    // So is what is no stream: half of it comes.
    let answer = ask(&server, MESSAGES, &json!({}));
    assert!(answer.contains("{\"content\"") && !answer.contains("\"usage\""), "{answer}");
}

#[test]
fn what_hangs_ends_with_the_server() {
    let server = ModelServer::start(Scenario::always(Step::Hang));
    let hanging = send(&server, CHAT, "", &json!({}));
    assert_eq!(server.wait_for(1).len(), 1);
    drop(server);
    assert_eq!(rest(hanging), "");

    let server = ModelServer::start(Scenario::always(Step::Stall));
    let mut stalled = send(&server, MESSAGES, "", &json!({"stream": true}));
    let mut begun = Vec::new();
    while !begun.ends_with(b"message_start\"}\n\n") && !begun.ends_with(b"}\n\n\r\n") {
        let mut byte = [0];
        stalled.read_exact(&mut byte).unwrap();
        begun.push(byte[0]);
    }
    drop(server);
    let rest = rest(stalled);
    assert!(!rest.contains("message_stop") && !rest.ends_with("0\r\n\r\n"), "{rest}");
}

#[test]
fn the_server_remembers_what_left() {
    let server = ModelServer::start(Scenario::answer("well"));
    rest(send(&server, MESSAGES, "x-api-key: one\r\n", &json!({"system": "the secret plan"})));
    rest(send(&server, CHAT, "authorization: Bearer two\r\n", &json!({})));
    rest(send(&server, &format!("{GEMINI}?key=three"), "x-Other: Four\r\n", &json!({})));
    assert_eq!(server.keys().into_iter().collect::<Vec<_>>(), ["one", "three", "two"]);
    assert!(server.saw_text("secret plan") && server.saw_text("Four") && !server.saw_text("five"));
    let requests = server.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", MESSAGES));
    assert_eq!(requests[2].header("X-OTHER"), Some("Four"));
    assert_eq!(requests[2].model(), "gemini-x");
}
