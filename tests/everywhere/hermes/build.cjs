// Bundles index.js by Metro with React Native's own configuration, and prints each warning.
// Usage: node build.cjs <platform> <transform profile> <output>
const { dirname, join } = require('node:path');
const { getDefaultConfig, mergeConfig } = require('@react-native/metro-config');
const Metro = require('metro');
const { FileStore } = require('metro-cache');

const [platform, unstable_transformProfile, out] = process.argv.slice(2);
const modules = dirname(dirname(require.resolve('metro/package.json')));
const config = mergeConfig(getDefaultConfig(__dirname), {
  watchFolders: [__dirname, modules],
  cacheStores: [new FileStore({ root: join(modules, '../metro') })],
  fileMapCacheDirectory: __dirname,
  resolver: {
    resolveRequest: (context, name, platform) => context.resolveRequest(context, name === 'react-native' ? join(__dirname, 'react-native.js') : name, platform),
  },
  // index.js imports the modules that React Native runs before the app, except those that draw.
  serializer: { getModulesRunBeforeMainModule: () => [] },
  reporter: {
    update({ type, message, error }) {
      if (/warn|error|fail/.test(type)) console.log(type, message ?? error?.message);
    },
  },
});
Metro.runBuild(config, { entry: 'index.js', platform, dev: false, minify: false, out, unstable_transformProfile }).catch(({ message }) => {
  console.log(message);
  process.exitCode = 1;
});
