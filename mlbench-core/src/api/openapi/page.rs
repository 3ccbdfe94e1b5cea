//! The document as a page without scripts.

use std::fmt::Write as _;

use serde_json::Value;

use super::document::TAGS;
use super::operations::tag;
use super::page_parts::{escape, fields, pretty, prose, type_of};
use crate::api::{Endpoint, Spec};

/// Returns the page of a document. `style` is the address of its style sheet.
pub(super) fn page(document: &Value, style: &str) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>API of mlbench</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"stylesheet\" href=\"{style}\">\n</head>\n<body>\n\
         <header>\n<h1>API of mlbench</h1>\n{}\
         <p>For programs: <a href=\"../..{}\">this description in OpenAPI 3.1</a>.</p>\n</header>\n",
        text(&document["info"]["description"])
            .split("\n\n")
            .map(|part| format!("<p>{}</p>\n", prose(part)))
            .collect::<String>(),
        Endpoint::GetOpenApi.spec().path,
    );
    contents(&mut out);
    out.push_str("<main>\n");
    for (name, description) in TAGS {
        let _ = write!(out, "<h2 id=\"{name}\">{name}</h2>\n<p>{description}</p>\n");
        for endpoint in of_tag(name) {
            operation(&mut out, document, endpoint);
        }
    }
    errors(&mut out, document);
    schemas(&mut out, document);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn of_tag(name: &str) -> impl Iterator<Item = Endpoint> {
    Endpoint::ALL.into_iter().filter(move |endpoint| tag(*endpoint) == name)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn contents(out: &mut String) {
    out.push_str("<nav aria-label=\"Contents\">\n");
    for (name, _) in TAGS {
        let _ = write!(out, "<h2><a href=\"#{name}\">{name}</a></h2>\n<ul>\n");
        for Spec { id, method, path, .. } in of_tag(name).map(Endpoint::spec) {
            let _ = writeln!(out, "<li><a href=\"#{id}\"><code>{} {path}</code></a></li>", method.as_str());
        }
        out.push_str("</ul>\n");
    }
    out.push_str(
        "<h2><a href=\"#errors\">errors</a></h2>\n<h2><a href=\"#schemas\">schemas</a></h2>\n</nav>\n",
    );
}

fn operation(out: &mut String, document: &Value, endpoint: Endpoint) {
    let Spec { id, method, path, summary, .. } = endpoint.spec();
    let method = method.as_str();
    let operation = &document["paths"][path][method.to_lowercase()];
    let _ = write!(
        out,
        "<section id=\"{id}\">\n<h3><code><b>{method}</b> {path}</code></h3>\n<p><strong>{summary}.</strong> {}{}</p>\n",
        prose(text(&operation["description"])),
        if operation["security"].as_array().is_some_and(Vec::is_empty) { " Needs no token." } else { "" },
    );
    parameters(out, document, operation);
    body(out, operation);
    out.push_str("<h4>Responses</h4>\n<table>\n<tr><th>Status</th><th>Response</th></tr>\n");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let _ = writeln!(out, "<tr><td>{status}</td><td>{}</td></tr>", linked(resolved(document, response)));
    }
    out.push_str("</table>\n");
    content(out, &operation["responses"][endpoint.spec().success.to_string()]);
    out.push_str("</section>\n");
}

/// Returns the description of a response, whose codes lead to their examples.
fn linked(response: &Value) -> String {
    let codes = response["content"]["application/problem+json"]["examples"].as_object();
    let Some(codes) = codes else { return prose(text(&response["description"])) };
    let links: Vec<String> =
        codes.keys().map(|code| format!("<a href=\"#error-{code}\"><code>{code}</code></a>")).collect();
    links.join(", ")
}

/// Follows a reference.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|path| document.pointer(path.strip_prefix('#')?));
    target.unwrap_or(value)
}

fn parameters(out: &mut String, document: &Value, operation: &Value) {
    let Some(parameters) = operation["parameters"].as_array() else { return };
    out.push_str(
        "<h4>Parameters</h4>\n<table>\n<tr><th>Name</th><th>In</th><th>Type</th><th>Meaning</th></tr>\n",
    );
    for parameter in parameters {
        let parameter = resolved(document, parameter);
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}{}</td></tr>",
            text(&parameter["name"]),
            text(&parameter["in"]),
            type_of(&parameter["schema"]),
            if parameter["required"] == true { "Required. " } else { "" },
            prose(text(&parameter["description"])),
        );
    }
    out.push_str("</table>\n");
}

fn body(out: &mut String, operation: &Value) {
    if operation["requestBody"].is_object() {
        out.push_str("<h4>Body</h4>\n");
        content(out, &operation["requestBody"]);
    }
}

/// Writes the media types of a body with their schemas and examples. Types with equal content share a line.
fn content(out: &mut String, body: &Value) {
    let mut written: Vec<(&Value, Vec<&str>)> = Vec::new();
    for (media, content) in body["content"].as_object().into_iter().flatten() {
        match written.iter_mut().find(|(other, _)| *other == content) {
            Some((_, names)) => names.push(media),
            None => written.push((content, vec![media])),
        }
    }
    for (content, names) in written {
        let _ = writeln!(
            out,
            "<p><code>{}</code>: {}</p>",
            names.join("</code>, <code>"),
            type_of(&content["schema"])
        );
        let several =
            content["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
        for example in content.get("example").into_iter().chain(several) {
            let _ = writeln!(out, "<pre tabindex=\"0\">{}</pre>", pretty(example));
        }
    }
}

fn errors(out: &mut String, document: &Value) {
    out.push_str(
        "<h2 id=\"errors\">errors</h2>\n<p>Every error has this form; the table has the rest of them.</p>\n",
    );
    let examples = document["components"]["examples"].as_object().into_iter().flatten();
    let first = examples.clone().next().map(|(_, example)| pretty(&example["value"])).unwrap_or_default();
    let _ = write!(
        out,
        "<pre tabindex=\"0\">{first}</pre>\n<table>\n<tr><th>Code</th><th>Status</th><th>Example of its detail</th></tr>\n"
    );
    for (code, example) in examples {
        let problem = &example["value"];
        let (status, detail) = (&problem["status"], escape(text(&problem["detail"])));
        let _ = writeln!(
            out,
            "<tr id=\"error-{code}\"><td><code>{code}</code></td><td>{status}</td><td>{detail}</td></tr>"
        );
    }
    out.push_str("</table>\n");
}

fn schemas(out: &mut String, document: &Value) {
    out.push_str("<h2 id=\"schemas\">schemas</h2>\n");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let description = prose(text(&schema["description"]));
        let _ = write!(
            out,
            "<section id=\"schema-{name}\">\n<h3>{name}</h3>\n<p>{description}</p>\n{}</section>\n",
            fields(schema)
        );
    }
}
