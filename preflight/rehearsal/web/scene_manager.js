"use strict";

const result = document.getElementById("result");

async function call(method, path, body) {
  const headers = { Authorization: "Bearer " + document.getElementById("token").value.trim() };
  const options = { method: method, headers: headers };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(path, options);
  const data = await answer.json();
  if (!answer.ok) {
    throw new Error(answer.status + " " + (data.message || data.error));
  }
  return data;
}

function show(title, data) {
  result.textContent = title + "\n" + JSON.stringify(data, null, 2);
}

async function reloadScene() {
  show("Reload Scene", await call("POST", "/scene/reload"));
}

async function validateScene() {
  const scene = await call("GET", "/scene");
  show("Validate Scene", await call("PUT", "/scene", { scene_path: scene.scene_path }));
}

async function sceneInfo() {
  show("Scene Info", await call("GET", "/scene"));
}

function wire(id, action) {
  const button = document.getElementById(id);
  button.addEventListener("click", function () {
    result.textContent = "Calling…";
    action().catch(function (problem) {
      result.textContent = "Failed: " + problem.message;
    });
  });
}

wire("reload-scene", reloadScene);
wire("validate-scene", validateScene);
wire("scene-info", sceneInfo);
