"""Loaded by schemathesis (SCHEMATHESIS_HOOKS). A repository's name is one parameter of the description, and slashes in a
parameter are escaped; for /v2, which takes none of these, it is made two."""

import schemathesis


@schemathesis.hook
def before_load_schema(context, raw):
    for path in [path for path in raw["paths"] if path.startswith("/v2/{name}/")]:
        methods = raw["paths"].pop(path)
        for operation in methods.values():
            operation["parameters"].append({"name": "namespace", "in": "path", "required": True,
                                            "schema": {"type": "string", "minLength": 1}})
        raw["paths"][path.replace("{name}", "{namespace}/{name}")] = methods
