import { mount } from 'svelte';
import '../lib/ui/tokens.css';
import '../lib/ui/base.css';
import { speakPreferred } from '../lib/i18n/i18n.svelte.ts';
import App from './App.svelte';

await speakPreferred(navigator.languages, new URL(location.href));
mount(App, { target: document.getElementById('app') ?? document.body });
