// Starts the viewer. It talks to this registry and to nobody else.
"use strict";

// A repository's name keeps its slashes: the viewer escapes them, and /v2 takes no escaped ones.
function plainSlashes(address) {
  const url = new URL(address, location.href);
  if (url.pathname.startsWith("/v2/")) {
    url.pathname = url.pathname.replace(/%2F/gi, "/");
  }
  return url.href;
}

window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/api/openapi.json",
    domNode: document.getElementById("viewer"),
    presets: [SwaggerUIBundle.presets.apis],
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    filter: true,
    validatorUrl: null,
    requestInterceptor: (request) => {
      if (new URL(request.url, location.href).origin !== location.origin) {
        throw new Error("another host is not asked");
      }
      request.url = plainSlashes(request.url);
      return request;
    },
  });
});
