"use strict";

// Adds the form to try the methods. The token stays in its field: nothing is stored, no cookie is sent or set. What comes
// back is shown as text only.
(() => {
  const form = document.getElementById("try");
  const authorization = document.getElementById("try-authorization");
  const method = document.getElementById("try-method");
  const path = document.getElementById("try-path");
  const body = document.getElementById("try-body");
  const send = form.querySelector("button[type=submit]");
  const result = document.getElementById("try-result");

  /** A new element with a class and a text. */
  const made = (name, kind, text) => {
    const element = document.createElement(name);
    element.className = kind;
    element.textContent = text;
    return element;
  };

  /** Path and query of an address of this server; nothing for any other. */
  const here = (address) => {
    try {
      const url = new URL(address, location.origin);
      // A path that begins with two slashes would be another server as soon as it stands alone.
      return url.origin === location.origin && !url.pathname.startsWith("//") ? url.pathname + url.search : null;
    } catch {
      return null;
    }
  };

  const fill = (wantedMethod, wantedPath, example) => {
    method.value = wantedMethod;
    path.value = wantedPath;
    body.value = example;
  };

  /** JSON, in which what leads to another place of this server can be followed by the form. */
  const shownJson = (value) => {
    const shown = made("pre", "body", "");
    const text = JSON.stringify(value, null, 2);
    let from = 0;
    for (const found of text.matchAll(/(?<!\\)"(https?:\/\/[^"\\\s]+)"/g)) {
      const target = here(found[1]);
      if (target === null) continue;
      const begin = found.index + 1;
      const link = made("a", "", found[1]);
      link.href = target;
      shown.append(text.slice(from, begin), link);
      from = begin + found[1].length;
    }
    shown.append(text.slice(from));
    return shown;
  };

  /** A button for each token in an answer, which puts it into the field. */
  const offers = (value) => {
    const kinds = { access: "Bearer", access_token: "Bearer", auth_token: "Token", token: "Token" };
    if (value === null || typeof value !== "object") return [];
    const found = [value, value.tokens].filter((one) => one !== null && typeof one === "object");
    return found.flatMap((one) => Object.keys(kinds).filter((key) => typeof one[key] === "string").map((key) => {
      const button = made("button", "", `Use ${key} as Authorization`);
      button.type = "button";
      button.addEventListener("click", () => {
        authorization.value = `${kinds[key]} ${one[key]}`;
        authorization.focus();
      });
      return button;
    }));
  };

  const show = async (response, line) => {
    const text = await response.text();
    const box = made("div", "answer", "");
    box.append(made("p", "status", line));
    box.append(made("p", response.ok ? "status" : "status failed", `HTTP ${response.status} ${response.statusText}`));
    const list = document.createElement("dl");
    for (const [name, value] of response.headers) {
      const row = document.createElement("div");
      row.append(made("dt", "", `${name}:`), " ", made("dd", "", value));
      list.append(row);
    }
    box.append(list);
    let value;
    try {
      value = JSON.parse(text);
      box.append(shownJson(value));
    } catch {
      box.append(made("pre", "body", text));
    }
    result.replaceChildren(box, ...offers(value));
  };

  const ask = async () => {
    const target = here(path.value.trim());
    if (target === null || !path.value.trim().startsWith("/")) {
      result.replaceChildren(made("p", "failed", "The path must begin with / and stay on this server."));
      return;
    }
    const headers = { Accept: "application/json" };
    const typed = authorization.value.trim();
    if (typed !== "") headers.Authorization = /\s/.test(typed) ? typed : `Bearer ${typed}`;
    const request = { method: method.value, headers, credentials: "omit", cache: "no-store", redirect: "error" };
    if (!["GET", "HEAD"].includes(method.value) && body.value.trim() !== "") {
      headers["Content-Type"] = "application/json";
      request.body = body.value;
    }
    send.disabled = true;
    try {
      await show(await fetch(target, request), `${method.value} ${target}`);
    } catch (failure) {
      result.replaceChildren(made("p", "failed", `No answer: ${failure.message}`));
    } finally {
      send.disabled = false;
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });

  // A link in an answer is followed by the form where leaving the page would lose the token.
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".answer a");
    const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    const target = link && here(link.href);
    if (!target || !plain || authorization.value.trim() === "") return;
    event.preventDefault();
    fill("GET", target, "");
    ask();
  });

  /** A path with what this page's own address has in place of the parameters. */
  const own = form.dataset.target.split("?")[0].split("/").filter(Boolean);
  const filled = (template) => {
    const parts = template.split("/").filter(Boolean);
    const fits = parts.length === own.length && parts.every((part, at) => part === own[at] || part.startsWith("{"));
    return fits ? form.dataset.target.split("?")[0] : template;
  };

  const exampleOf = (article) => article.querySelector("pre.example")?.textContent ?? "";
  const articles = [...document.querySelectorAll("article[data-method]")];
  const choose = (article) => fill(article.dataset.method, filled(article.dataset.path), exampleOf(article));
  for (const article of articles) {
    const button = made("button", "", "Try");
    button.type = "button";
    button.addEventListener("click", () => {
      choose(article);
      form.scrollIntoView({ block: "start" });
      send.focus({ preventScroll: true });
    });
    article.append(button);
  }

  const reads = articles.find((article) => article.dataset.method === "GET");
  const isOwn = reads && filled(reads.dataset.path).replace(/\/$/, "") === `/${own.join("/")}`;
  if (isOwn) fill("GET", form.dataset.target, "");
  else if (articles.length > 0) choose(articles[0]);
  form.hidden = false;
})();
