// An Angular app: without zones and rendered on the server, and once more with zone.js.
const options = { outputPath: 'dist', index: 'src/index.html', tsConfig: 'tsconfig.json', outputHashing: 'none', progress: false };
const project = (more) => ({ projectType: 'application', root: '', sourceRoot: 'src', architect: { build: { builder: '@angular/build:application', options: { ...options, ...more } } } });

export const angularFiles = {
  'angular.json': JSON.stringify({
    version: 1, cli: { analytics: false, cache: { enabled: false } },
    projects: {
      app: project({ browser: 'src/main.ts', server: 'src/main.server.ts', outputMode: 'server', ssr: { entry: 'src/server.ts' }, security: { allowedHosts: ['127.0.0.1'] } }),
      zoned: project({ browser: 'src/zoned.ts', polyfills: ['zone.js'], outputPath: 'zoned' }),
    },
  }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: { target: 'ES2022', module: 'preserve', strict: true, allowJs: true, checkJs: false, skipLibCheck: true, types: ['node'], lib: ['ES2022', 'DOM', 'ESNext.Disposable'], experimentalDecorators: true },
    angularCompilerOptions: { strictTemplates: true }, include: ['src'],
  }),
  'src/index.html': '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>waiting</title><base href="/"><link rel="icon" href="data:,"></head><body><app-root></app-root></body></html>\n',
  'src/app.ts': `import { type ApplicationConfig, Component, afterNextRender, provideZonelessChangeDetection } from '@angular/core';
import { provideClientHydration } from '@angular/platform-browser';
import { tokenStatus } from 'transak-user-token';
import { client } from '../client.js';

@Component({ selector: 'app-root', template: '<p>rendered {{ status.state === "invalid" && status.reason }}</p>' })
export class App {
  readonly status = tokenStatus('x');
  constructor() {
    afterNextRender(client);
  }
}
export const config: ApplicationConfig = { providers: [provideZonelessChangeDetection(), provideClientHydration()] };
`,
  'src/main.ts': `import { bootstrapApplication } from '@angular/platform-browser';
import { App, config } from './app';
bootstrapApplication(App, config);
`,
  'src/main.server.ts': `import { mergeApplicationConfig } from '@angular/core';
import { type BootstrapContext, bootstrapApplication } from '@angular/platform-browser';
import { RenderMode, provideServerRendering, withRoutes } from '@angular/ssr';
import { App, config } from './app';

const server = mergeApplicationConfig(config, { providers: [provideServerRendering(withRoutes([{ path: '**', renderMode: RenderMode.Server }]))] });
export default (context: BootstrapContext) => bootstrapApplication(App, server, context);
`,
  'src/server.ts': `import { AngularNodeAppEngine, createNodeRequestHandler, isMainModule, writeResponseToNodeResponse } from '@angular/ssr/node';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { server } from '../server.js';

const engine = new AngularNodeAppEngine();
export const reqHandler = createNodeRequestHandler(async (request, response) => {
  const { url = '/' } = request;
  if (url === '/server') return void response.end(await server());
  if (url.endsWith('.js')) return void response.setHeader('content-type', 'text/javascript').end(await readFile('dist/browser' + url));
  const answer = await engine.handle(request);
  if (answer) await writeResponseToNodeResponse(answer, response);
  else response.writeHead(404).end();
});
if (isMainModule(import.meta.url)) createServer(reqHandler).listen(Number(process.env['PORT']), '127.0.0.1');
`,
  // Whether a zone has timers: then Angular does not count as stable.
  'src/zoned.ts': `import { Component, NgZone, afterNextRender, inject, provideZoneChangeDetection } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { TokenSession } from 'transak-user-token';

const { base, token } = JSON.parse(decodeURIComponent(location.hash.slice(1)));

@Component({ selector: 'app-root', template: '' })
class App {
  constructor() {
    const zone = inject(NgZone), session = new TokenSession(token, { baseUrl: base });
    const timers = () => zone.hasPendingMacrotasks;
    const tell = async () => {
      const before = timers();
      zone.run(() => session.start());
      await session.accessToken();
      const inside = timers();
      session.stop();
      const stopped = timers();
      zone.runOutsideAngular(() => session.start());
      await session.accessToken();
      const outside = timers();
      await zone.runOutsideAngular(() => session.refresh());
      const called = timers();
      await zone.run(() => session.refresh());
      document.title = 'outcome: ' + [before, inside, stopped, outside, called, timers()];
    };
    afterNextRender(() => zone.runOutsideAngular(() => setTimeout(tell, 500)));
  }
}
bootstrapApplication(App, { providers: [provideZoneChangeDetection()] });
`,
};
