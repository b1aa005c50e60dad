// The native side of a phone for React Native, in Hermes' shell: timers, a network, blobs, a store. The process that started
// the shell does the work. It gets commands from the printed lines, and answers by calling the functions of `phone`.
(function () {
  var timers = new Map(), blobs = new Map(), stored = new Map(), last = 0;
  var tell = function (what) { print('@@' + JSON.stringify(what)); };
  var send = function (id, method, url, headers, responseType, isWithCredentials) {
    tell({ request: id, method: method, url: url, headers: headers, responseType: responseType, isWithCredentials: isWithCredentials });
  };

  // React Native's modules of today: the host has the timers and the microtasks.
  globalThis.RN$Bridgeless = true;
  globalThis.performance = { now: function () { return Date.now(); } };
  globalThis.setTimeout = function (callback, ms) {
    timers.set(++last, callback);
    tell({ timer: last, ms: ms || 0 });
    return last;
  };
  globalThis.clearTimeout = function (id) {
    if (timers.delete(id)) tell({ cleared: id });
  };

  var native = {
    NativeMicrotasksCxx: { queueMicrotask: function (callback) { Promise.resolve().then(callback); } },
    PlatformConstants: { getConstants: function () { return {}; } },
    AppState: {
      getConstants: function () { return { initialAppState: 'active' }; },
      getCurrentAppState: function (tell) { tell({ app_state: 'active' }); },
      addListener: function () {}, removeListeners: function () {},
    },
    Networking: {
      // On iOS `sendRequest` gets an object, and makes the id itself. On Android it gets the id and each part as an argument.
      sendRequest: function (first, second, id, headers, data, responseType, isIncremental, timeout, isWithCredentials) {
        if (typeof first === 'string') return send(id, first, second, headers, responseType, isWithCredentials);
        second(++last);
        send(last, first.method, first.url, Object.entries(first.headers), first.responseType, first.withCredentials);
      },
      abortRequest: function (id) { tell({ aborted: id }); },
      addListener: function () {}, removeListeners: function () {},
    },
    BlobModule: {
      getConstants: function () { return { BLOB_URI_SCHEME: 'blob', BLOB_URI_HOST: null }; },
      addNetworkingHandler: function () {},
      createFromParts: function (parts, id) { blobs.set(id, parts.map(function (part) { return part.data; }).join('')); },
      release: function (id) { blobs.delete(id); },
    },
    FileReaderModule: { readAsText: function (blob) { return Promise.resolve(blobs.get(blob.blobId)); } },
    RNAsyncStorage: {
      getValues: function (database, keys) {
        return Promise.resolve(keys.map(function (key) { return { key: key, value: stored.has(database + key) ? stored.get(database + key) : null }; }));
      },
      setValues: function (database, entries) {
        return Promise.resolve(entries.map(function (entry) { stored.set(database + entry.key, entry.value); return entry; }));
      },
      removeValues: function (database, keys) { return Promise.resolve(keys.forEach(function (key) { stored.delete(database + key); })); },
      legacy_multiGet: function (keys) {
        return Promise.resolve(keys.map(function (key) { return [key, stored.has(key) ? stored.get(key) : null]; }));
      },
      legacy_multiSet: function (pairs) { return Promise.resolve(pairs.forEach(function (pair) { stored.set(pair[0], pair[1]); })); },
      legacy_multiRemove: function (keys) { return Promise.resolve(keys.forEach(function (key) { stored.delete(key); })); },
    },
  };
  globalThis.__turboModuleProxy = function (name) { return native[name]; };
  globalThis.nativeModuleProxy = {};
  globalThis.nativeLoggingHook = function (text) { tell({ logged: text }); };

  globalThis.phone = {
    tell: tell,
    due: function (id) {
      var callback = timers.get(id);
      timers.delete(id);
      if (callback) callback();
    },
    emit: function (event, given) { globalThis.__rctDeviceEventEmitter.emit(event, given); },
    answered: function (id, responseType, status, headers, url, text) {
      var emit = phone.emit;
      emit('didReceiveNetworkResponse', [id, status, headers, url]);
      blobs.set('answer ' + id, text);
      emit('didReceiveNetworkData', [id, responseType === 'blob' ? { blobId: 'answer ' + id, offset: 0, size: text.length } : text]);
      emit('didCompleteNetworkResponse', [id, null, false]);
    },
    failed: function (id, reason) { phone.emit('didCompleteNetworkResponse', [id, reason, false]); },
  };
})();
