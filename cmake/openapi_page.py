"""The OpenAPI document as one page for people: what GET /docs answers.

No script, nothing from another host, readable without style. The text is the document's own;
its descriptions are CommonMark, as OpenAPI says.
"""

import html
import json

import markdown

METHODS = ("get", "put", "post", "delete", "patch")

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:auto;padding:1rem}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}
pre{overflow:auto;padding:.75rem;border:1px solid #8888;border-radius:.25rem}
h3{margin-top:2.5rem;border-top:1px solid #8888;padding-top:1rem}
table{border-collapse:collapse;display:block;overflow:auto}
th,td{text-align:left;vertical-align:top;padding:.25rem 1rem .25rem 0}
@media(prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#8cf}}
"""


def escape(text):
    return html.escape(str(text), quote=True)


def prose(text):
    return markdown.markdown(escape(text)) if text else ""


def resolve(document, node):
    """Follows $ref until something else is there."""
    while isinstance(node, dict) and "$ref" in node:
        node_path = node["$ref"].removeprefix("#/").split("/")
        node = document
        for part in node_path:
            node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def example_of(document, content):
    """The first example of a media type as text, or None."""
    if "example" in content:
        return content["example"]
    for example in content.get("examples", {}).values():
        return resolve(document, example).get("value")
    return None


def example_block(document, contents):
    for media_type, content in contents.items():
        example = example_of(document, content)
        if example is None:
            continue
        text = example if isinstance(example, str) else json.dumps(
            example, ensure_ascii=False, indent=2)
        return f"<p><code>{escape(media_type)}</code></p><pre>{escape(text)}</pre>"
    return ""


def schema_words(document, schema):
    schema = resolve(document, schema)
    words = [str(schema.get("type", ""))]
    words += [f"{key} {schema[key]}" for key in
              ("minimum", "maximum", "minLength", "maxLength", "pattern", "default")
              if key in schema]
    if "enum" in schema:
        words.append("one of " + ", ".join(map(str, schema["enum"])))
    return "; ".join(word for word in words if word)


def parameter_rows(document, parameters):
    rows = []
    for parameter in map(lambda node: resolve(document, node), parameters):
        need = "required" if parameter.get("required") else "optional"
        rows.append(f"<tr><th scope=row><code>{escape(parameter['name'])}</code></th>"
                    f"<td>{escape(parameter['in'])}, {need}</td>"
                    f"<td>{prose(parameter.get('description'))}"
                    f"{escape(schema_words(document, parameter.get('schema', {})))}</td></tr>")
    return f"<table>{''.join(rows)}</table>" if rows else ""


def response_rows(document, responses):
    rows = []
    shared = []
    for status, node in responses.items():
        response = resolve(document, node)
        if "$ref" in node:
            shared.append(f"{escape(status)} {escape(response.get('description', '').split('.')[0])}")
            continue
        rows.append(f"<dt><strong>{escape(status)}</strong></dt>"
                    f"<dd>{prose(response.get('description'))}"
                    f"{example_block(document, response.get('content', {}))}</dd>")
    others = f"<p>Also: {'; '.join(shared)}.</p>" if shared else ""
    return f"<dl>{''.join(rows)}</dl>{others}"


def operation_section(document, path, method, operation, common):
    listeners = ", ".join(server["description"].rstrip(".").lower()
                          for server in operation.get("servers", document.get("servers", [])))
    body = resolve(document, operation.get("requestBody", {}))
    parts = [
        f"<h3 id=\"{escape(operation['operationId'])}\">{escape(operation['summary'])}</h3>",
        f"<p><code><strong>{method.upper()}</strong> {escape(path)}</code> ({escape(listeners)})</p>",
        prose(operation.get("description")),
        parameter_rows(document, common + operation.get("parameters", [])),
    ]
    if body:
        parts += ["<h4>Body</h4>", prose(body.get("description")),
                  example_block(document, body.get("content", {}))]
    parts += ["<h4>Answers</h4>", response_rows(document, operation.get("responses", {}))]
    return "\n".join(part for part in parts if part)


def openapi_page(document):
    by_tag = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                by_tag[item[method]["tags"][0]].append((path, method, item[method],
                                                       item.get("parameters", [])))
    contents, sections = [], []
    for tag in document["tags"]:
        operations = by_tag[tag["name"]]
        links = "".join(f"<li><a href=\"#{escape(operation['operationId'])}\">"
                        f"{escape(operation['summary'])}</a> "
                        f"<code>{method.upper()} {escape(path)}</code></li>"
                        for path, method, operation, _ in operations)
        contents.append(f"<h3>{escape(tag['name'])}</h3><ul>{links}</ul>")
        sections.append(f"<h2>{escape(tag['name'])}</h2>{prose(tag.get('description'))}")
        sections += [operation_section(document, *operation) for operation in operations]
    info = document["info"]
    return ("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            f"<title>{escape(info['title'])}: the HTTP API</title>\n<style>{STYLE}</style>\n"
            f"</head>\n<body>\n<h1>{escape(info['title'])}: the HTTP API</h1>\n"
            f"<p>{escape(info['summary'])} Formally: "
            "<a href=\"/openapi.json\">/openapi.json</a> (OpenAPI 3.1).</p>\n"
            f"{prose(info['description'])}\n<nav>\n<h2>Contents</h2>\n{''.join(contents)}\n</nav>\n"
            f"<main>\n{chr(10).join(sections)}\n</main>\n</body>\n</html>\n")
