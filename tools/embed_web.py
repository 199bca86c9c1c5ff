#!/usr/bin/python3
"""embed_web.py OUT DIR VIEWER: writes web_assets (src/web/assets.h): the files of DIR and of the viewer's package.

A file's served name holds a part of its hash, so that caches may keep it for ever; the page names them as {file}. Images
that a style sheet carries as data: addresses become files, for the page's policy allows nothing but what we serve. Without
the viewer the page is without.html. Files are written beside OUT and taken into the program by the assembler.
"""
import base64
import hashlib
import pathlib
import re
import sys
import urllib.parse

TYPES = {'.css': 'text/css; charset=utf-8', '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
         '.svg': 'image/svg+xml', '.png': 'image/png', '.jpeg': 'image/jpeg', '': 'text/plain; charset=utf-8'}
DATA = re.compile(rb'''url\((["']?)data:image/([a-z]+)(?:\+xml)?((?:;[^,;]*)*),(.*?)\1\)''')
VIEWER = ('swagger-ui-bundle.js', 'swagger-ui.css', 'LICENSE', 'NOTICE')
SYMBOL = '__asm__(".pushsection .rodata\\n.balign 16\\n.globl {0}\\n.hidden {0}\\n{0}:\\n.incbin \\"{1}\\"\\n.byte 0\\n.popsection\\n");'


class Assets:
    def __init__(self, folder):
        self.folder = folder
        self.rows = []  # (served name, type, hash, path, size)
        self.names = {}

    def add(self, name, data, served=None):
        """The name under which it is served."""
        digest = hashlib.sha256(data).hexdigest()
        path = pathlib.PurePath(name)
        served = served if served is not None else f'{path.stem}.{digest[:16]}{path.suffix}'
        if name not in self.names:
            kept = self.folder / f'{len(self.rows):02}-{path.name}'
            kept.write_bytes(data)
            self.rows.append((served, TYPES[path.suffix], digest, kept, len(data)))
            self.names[name] = served
        return self.names[name]

    def add_style(self, name, data):
        def image(match):
            kind, options, body = match.group(2).decode(), match.group(3), match.group(4)
            body = body.replace(b'\\"', b'"')
            raw = base64.b64decode(body) if b'base64' in options else urllib.parse.unquote_to_bytes(body.decode())
            digest = hashlib.sha256(raw).hexdigest()[:8]
            return f'url({self.add(f"image-{digest}.{kind}", raw)})'.encode()

        data = re.sub(rb'/\*# sourceMappingURL=.*?\*/', b'', data)
        return self.add(name, DATA.sub(image, data))

    def add_page(self, text):
        page = re.sub(r'\{([\w.-]+)\}', lambda match: '/api/assets/' + self.names[match.group(1)], text)
        self.add('index.html', page.encode(), served='')


def write(out, assets):
    lines = ['/* Written by tools/embed_web.py from ui/ and the viewer. */', '#include "web/assets.h"', '']
    for i, (_, _, _, path, _) in enumerate(assets.rows):
        lines += [SYMBOL.format(f'web_asset_{i}', path), f'extern const char web_asset_{i}[];']
    lines += ['', 'const struct http_asset web_assets[] = {']
    for i, (served, kind, digest, _, size) in enumerate(assets.rows):
        lines.append(f'    {{ .name = "{served}", .type = "{kind}", .hash = "{digest}", .bytes = web_asset_{i}, '
                     f'.size = {size} }},')
    lines += ['    { 0 },', '};', '']
    out.write_text('\n'.join(lines))


def main():
    out, own, viewer = (pathlib.Path(name).absolute() for name in sys.argv[1:])
    folder = out.parent / (out.stem + '.files')
    folder.mkdir(exist_ok=True)
    assets = Assets(folder)
    has_viewer = all((viewer / name).exists() for name in VIEWER)

    if has_viewer:
        for name in VIEWER:
            data = (viewer / name).read_bytes()
            assets.add_style(name, data) if name.endswith('.css') else assets.add(
                name, re.sub(rb'//# sourceMappingURL=.*', b'', data) if name.endswith('.js') else data)
        assets.add('page.js', (own / 'page.js').read_bytes())
    assets.add_style('page.css', (own / 'page.css').read_bytes())
    assets.add('mark.svg', (own / 'mark.svg').read_bytes())
    assets.add_page((own / ('index.html' if has_viewer else 'without.html')).read_text())
    write(out, assets)


if __name__ == '__main__':
    main()
