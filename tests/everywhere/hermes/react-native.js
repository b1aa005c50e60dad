// The modules that the app imports from `react-native`. Without the modules that draw, Metro has a tenth of the work.
import * as TurboModuleRegistry from 'react-native/Libraries/TurboModule/TurboModuleRegistry';

export { TurboModuleRegistry };
export { default as AppState } from 'react-native/Libraries/AppState/AppState';
export { default as Platform } from 'react-native/Libraries/Utilities/Platform';
